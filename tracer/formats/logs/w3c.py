"""W3C extended logs: IIS, and CloudFront's tab-separated standard logs. The `#Fields:` line names the columns.

https://www.w3.org/TR/WD-logfile.html, https://learn.microsoft.com/iis/configuration/system.applicationhost/sites/site/logfile/,
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logs-reference.html
"""

from __future__ import annotations

from urllib.parse import unquote

from tracer.model.log import LogLine

from .times import moment
from .words import address, address_text, number, status

_COLUMNS = 256
_EMPTY = ("-", "")
_FACTS = {
    "sc-substatus": "sub-status",
    "sc-win32-status": "win32-status",
    "x-edge-result-type": "result-type",
    "x-edge-response-result-type": "response-result-type",
    "x-edge-detailed-result-type": "detailed-result-type",
    "cs-username": "user",
    "s-sitename": "site",
    "s-reason": "reason",
    "s-queuename": "queue",
}


class W3C:
    """Reads one log; it remembers the names of the columns."""

    def __init__(self) -> None:
        self.columns: tuple[str, ...] = ()
        self.tabs = False
        self.software = ""

    def parse(self, line: str) -> LogLine | None:
        """The entry; None for a line that is none, or comes before the names of the columns are known."""
        if line.startswith("#"):
            self._directive(line)
            return None
        if not self.columns:
            return None
        values = line.split("\t") if self.tabs or ("\t" in line and " " not in line) else line.split(" ")
        if not len(self.columns) - 2 <= len(values) <= len(self.columns) + 2:
            return None
        return self._entry({k: v for k, v in zip(self.columns, values, strict=False) if v not in _EMPTY})

    def _directive(self, line: str) -> None:
        name, _, rest = line[1:].partition(":")
        if name.strip().lower() == "fields":
            self.tabs = "\t" in rest.strip()
            self.columns = tuple(c.lower() for c in rest.split()[:_COLUMNS])
        elif name.strip().lower() == "software":
            self.software = rest.strip().lower()

    def _entry(self, told: dict[str, str]) -> LogLine | None:
        edge = "x-edge-result-type" in self.columns
        at = moment(f"{told.get('date', '')} {told.get('time', '')}")
        path = told.get("cs-uri-stem") or told.get("cs-uri")
        code = status(told.get("sc-status"))
        if at is None or (code is None and path is None):
            return None
        query = told.get("cs-uri-query")
        client = address(told.get("c-ip", ""))
        error = "s-reason" in self.columns
        port = number(told.get("c-port"))
        return LogLine(
            format="cloudfront" if edge else "http.sys" if error else "w3c",
            product="aws-cloudfront" if edge else "iis" if error or self._is_iis() else None,
            time_ns=at.ns,
            resolution_ns=at.resolution_ns,
            zoned=edge,  # IIS writes UTC unless it is told to roll over by local time, when it writes that
            client=client[0] if client else None,
            client_port=port,
            method=told.get("cs-method"),
            target=f"{path}?{query}" if path and query else path,
            status=code,
            host=told.get("x-host-header") or told.get("cs-host") or told.get("cs(host)"),
            ids=(told["x-edge-request-id"],) if "x-edge-request-id" in told else (),
            facts=tuple((_FACTS[k], v) for k, v in told.items() if k in _FACTS),
            asked_nobody=False,
            server=address_text(f"{told.get('s-ip', '')}:{told.get('s-port', '')}"),
            size=number(told.get("sc-bytes")),
            agent=unquote(told.get("cs(user-agent)", "").replace("+", " ")) or None,
        )

    def _is_iis(self) -> bool:
        return "internet information" in self.software or "sc-substatus" in self.columns
