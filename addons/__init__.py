"""Scripts for mitmproxy. `mitmproxy -s addons/record.py` records and judges what passes through."""
