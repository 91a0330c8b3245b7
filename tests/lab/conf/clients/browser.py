# mypy: ignore-errors
"""Opens a page in headless Chromium; prints the status of the last answer for the page.

browser.py URL IP [HOST=IP] [PATH, when another page than URL's is meant]
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

url, ip, *more = sys.argv[1:]
hosts = [word.replace("=", " ") for word in more if "=" in word]
path = next((word for word in more if word.startswith("/")), urlsplit(url).path)
rules = [f"MAP {host}" for host in (f"{urlsplit(url).hostname} {ip}", *hosts, "* ~NOTFOUND")]
with tempfile.TemporaryDirectory() as profile:
    log = Path(profile) / "net.json"
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    options += ["--disable-component-update", "--disable-sync", "--disable-default-apps", "--no-proxy-server"]
    options += [f"--host-resolver-rules={', '.join(rules)}", "--disable-extensions"]
    options += [f"--user-data-dir={profile}", f"--log-net-log={log}", "--net-log-capture-mode=Everything"]
    options += ["--virtual-time-budget=4000", "--dump-dom", url]
    subprocess.run(["chromium", *options], capture_output=True, timeout=35)
    text = log.read_text(errors="replace")
mine, statuses = set(), []
for line in text.splitlines():  # one event a line; a request and its answer share the source
    source = re.search(r'"source":\{"id":(\d+)', line)
    if source and re.search(rf'"(GET|POST) {re.escape(path)} HTTP/1.1', line):
        mine.add(source[1])
    if source and source[1] in mine and (status := re.search(r'"HTTP/1.1 (\d{3})', line)):
        statuses.append(status[1])
print(f"lab-status={statuses[-1] if statuses else 0}")
