"""Chromium driven through WebDriver (https://www.w3.org/TR/webdriver2/), by the standard library alone."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

AVAILABLE = bool(shutil.which("chromium") and shutil.which("chromedriver"))
_FLAGS = ("--headless=new", "--no-sandbox", "--no-first-run", "--disable-gpu", "--disable-background-networking",
          "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage")  # fmt: skip
_KEYS = {
    "Enter": "\ue007",
    "ArrowDown": "\ue015",
    "End": "\ue010",
    "Home": "\ue011",
    "Tab": "\ue004",
    "Escape": "\ue00c",
}


class Browser:
    """One session; every method is one WebDriver command."""

    def __init__(self, server: str) -> None:
        options = {"binary": shutil.which("chromium"), "args": list(_FLAGS)}
        patience = {"script": 170_000, "pageLoad": 170_000}  # milliseconds; a busy machine is no fault of the page
        wanted = {
            "capabilities": {
                "alwaysMatch": {
                    "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}, "timeouts": patience,
                }
            }
        }  # fmt: skip
        self._session = f"{server}/session"
        self._session += "/" + self._ask("", wanted)["sessionId"]

    def _ask(self, path: str, value: Any = None, method: str = "") -> Any:
        data = json.dumps(value).encode() if value is not None else None
        request = urllib.request.Request(self._session + path, data, {"Content-Type": "application/json"})
        request.method = method or ("POST" if data is not None else "GET")
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=180) as answer:
            return json.load(answer)["value"]

    def open(self, page: Path | str) -> None:
        self._ask("/url", {"url": page.as_uri() if isinstance(page, Path) else page})

    def run(self, script: str, *arguments: Any) -> Any:
        """What the script returns; it may return a promise."""
        return self._ask("/execute/sync", {"script": script, "args": list(arguments)})

    def devtools(self, command: str, **parameters: Any) -> Any:
        """A command of the DevTools protocol."""
        return self._ask("/goog/cdp/execute", {"cmd": command, "params": parameters})

    def press(self, *keys: str) -> None:
        """Keys by name, or characters, one after the other."""
        typed = [_KEYS.get(key, key) for key in keys]
        acts = [{"type": kind, "value": key} for key in typed for kind in ("keyDown", "keyUp")]
        self._ask("/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": acts}]})

    def resize(self, width: int, height: int) -> None:
        self.devtools(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )

    def look(self, path: Path) -> None:
        """The whole page as a picture."""
        found = self.devtools("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(found["data"]))

    def log(self) -> list[str]:
        """What the page wrote to its console since the last call: errors, policy violations."""
        return [entry["message"] for entry in self._ask("/se/log", {"type": "browser"})]

    def close(self) -> None:
        self._ask("", method="DELETE")


@contextmanager
def driven() -> Iterator[Browser]:
    """A browser for as long as it is needed."""
    with subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, text=True) as driver:
        assert driver.stdout is not None
        try:
            ports = (re.search(r"successfully on port (\d+)", line) for line in driver.stdout)
            port = next(int(found[1]) for found in ports if found)
            browser = Browser(f"http://127.0.0.1:{port}")
            try:
                yield browser
            finally:
                browser.close()
        finally:
            driver.terminate()
