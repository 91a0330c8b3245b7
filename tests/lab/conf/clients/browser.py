# mypy: ignore-errors
"""Opens a page in headless Chromium; prints the status of the last answer for the page.

browser.py URL IP [HOST=IP] [PATH, when another page than URL's is meant] [trust=CERTIFICATE] [quic=HOST:PORT]
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

url, ip, *more = sys.argv[1:]
named = {kind: [w.partition("=")[2] for w in more if w.startswith(f"{kind}=")] for kind in ("trust", "quic")}
more = [word for word in more if not word.startswith(("trust=", "quic="))]
hosts = [word.replace("=", " ") for word in more if "=" in word]
path = next((word for word in more if word.startswith("/")), urlsplit(url).path)
rules = [f"MAP {host}" for host in (f"{urlsplit(url).hostname} {ip}", *hosts, "* ~NOTFOUND")]
with tempfile.TemporaryDirectory() as profile:
    log = Path(profile) / "net.json"
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    options += ["--disable-component-update", "--disable-sync", "--disable-default-apps", "--no-proxy-server"]
    options += [f"--host-resolver-rules={', '.join(rules)}", "--disable-extensions"]
    options += [f"--user-data-dir={profile}", f"--log-net-log={log}", "--net-log-capture-mode=Everything"]
    options += [f"--origin-to-force-quic-on={origin}" for origin in named["quic"]]
    for certificate in named["trust"]:
        command = f"openssl x509 -pubkey -noout -in {certificate} | openssl pkey -pubin -outform der"
        key = subprocess.run(["sh", "-c", f"{command} | openssl dgst -sha256 -binary | base64"], capture_output=True)
        options += [f"--ignore-certificate-errors-spki-list={key.stdout.decode().strip()}"]
    options += ["--virtual-time-budget=4000", "--dump-dom", url]
    subprocess.run(["chromium", *options], capture_output=True, timeout=35)
    text = log.read_text(errors="replace")
mine, statuses = set(), []
for line in text.splitlines():  # one event a line; a request and its answer share the source
    source = re.search(r'"source":\{"id":(\d+)', line)
    if source and re.search(rf'"(GET|POST) {re.escape(path)} HTTP/1.1|":path: {re.escape(path)}"', line):
        mine.add(source[1])
    if source and source[1] in mine and (status := re.search(r'"HTTP/1.1 (\d{3})', line)):
        statuses.append(status[1])
print(f"lab-status={statuses[-1] if statuses else 0}")
