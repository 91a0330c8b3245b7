"""How the lines look that curl writes, and what it prints over them."""

from __future__ import annotations

import re

STAMP = re.compile(rb"(?:(\d\d:\d\d:\d\d\.\d{3,9}) )?(?:\[\d+-(?:\d+|x)\] )?(?=(?:[*<>{}]|==|=>|<=) ?)")
PROGRESS = re.compile(
    rb"^\s*\d+(?:\s+[\d.]+[kMGTP]?){7}\s+(?:[-\d]+:[-\d]+:[-\d]+|\S+)\s+(?:[-\d]+:[-\d]+:[-\d]+|\S+)"
    rb"\s+(?:[-\d]+:[-\d]+:[-\d]+|\S+)\s+[\d.]+[kMGTP]?"
)
TABLE = re.compile(rb"^\s*(?:% Total\s+% Received|Dload\s+Upload)")
COUNT = re.compile(rb"^[{}] \[\d+ bytes data\]")
ERROR = re.compile(rb"curl: \((\d{1,3})\) (.*)")
COMMAND = re.compile(rb"(?:^|[\s$#>%`])(curl(?:\.exe)? .*(?:https?://|-[a-zA-Z-]+ ).*)")
ASKED = re.compile(rb"(?m)^[^\n]{0,200}?[\s$#>%`]?curl(?:\.exe)? [^\n]*\n(?:[^\n]*\n){0,4}?HTTP/\d(?:\.\d)? \d{3}")
"""`curl -i` or `-I` with its command line"""
STRONG = re.compile(
    rb"\* (?:Connection #\d+ to host|[Cc]losing connection|shutting down connection|Re-?using existing"
    rb"|Issue another request|Ignoring the response|Found bundle|Mark bundle|Uses proxy env|TLSv1|SSL connection"
    rb"|ALPN|schannel|OpenSSL |old SSL|Curl_http_done|Leftovers after|Excess found|we are done reading"
    rb"|transfer closed|\s*Trying |Connected to |Host \S+ was|IPv[46]: |Could not resolve|Empty reply|Recv failure"
    rb"|Send failure|Operation timed out|Authentication problem|HTTP/\d|\[HTTP/[23]\]|using HTTP/|Server auth using"
    rb"|Request completely|upload completely|We are completely|Maximum \(|Added cookie|Replaced cookie"
    rb"|The requested URL returned|Failed to connect|connect to |Simulate|stopped the pause|nread <= 0)"
)
"""lines that curl writes; a body may have others that begin with an asterisk"""
GLUED = re.compile(
    rb"(\* (?:Connection #\d+ to host \S+ left intact|Closing connection #?\d+|closing connection #\d+"
    rb"|transfer closed with .*|Uses proxy env variable .*)|curl: \(\d+\) .*)\s*$"
)
BEFORE_REQUEST = frozenset((5, 6, 7, 35, 53, 54, 58, 59, 60, 66, 77, 80, 83, 91, 97))
"""errors of curl before it asks: they cannot be of an exchange that was answered"""
TUNNEL = re.compile(rb"HTTP/1\.[01] 2\d\d (?i:connection established|tunnel)")
HTTP_ERROR = re.compile(r"returned error: (\d{3})")
PROXY_ERROR = re.compile(
    r"(?:HTTP code|response) (\d{3}) from proxy after CONNECT|CONNECT tunnel failed, response (\d{3})"
)
SEEN = re.compile(
    rb"(?m)^[ \t]*(?:\d\d:\d\d:\d\d\.\d+ )?(?:\[\d+-(?:\d+|x)\] )?"
    rb"(?:> [A-Z]{3,20} \S+ HTTP/|< HTTP/\d|\* {1,4}(?:Trying |"
    rb"Connected to |Host \S+ was resolved|Uses proxy env|Could not resolve|Rebuilt URL|About to connect|"
    rb"TLSv1|ALPN|SSL connection using)|== Info: |=> Send |<= Recv )"
)
SAID = re.compile(rb"(?m)^curl: \(\d{1,3}\) ")
