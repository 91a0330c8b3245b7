"""What a denial says of its cause, in words and fields that many products share."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tracer.model.http import Exchange
from tracer.model.verdict import Cause as C


class Cue(NamedTuple):
    cause: C
    detail: str
    weight: float
    where: str
    value: str
    says: str


# (cause, detail, weight, pattern): what the text of a denial states. Weights are logarithms of likelihood ratios.
_STATED: tuple[tuple[C, str, float, str], ...] = (
    (C.CREDENTIALS_EXPIRED, "expired", 4.0, r"(token|jwt|session|signature|link|url|sas|credential\w*|request)\b.{0,40}\b(has |is |was )?expired|expired.{0,12}(token|jwt|session|link)|ExpiredToken|token_expired|Request has expired"),
    (C.CLOCK_SKEW, "skew", 5.0, r"RequestTimeTooSkewed|too skewed|clock skew|not yet valid|used before issued|(time|date).{0,40}(too (far|large)|out of sync)"),
    (C.SIGNATURE_MISMATCH, "signature", 4.5, r"SignatureDoesNotMatch|signature (does not match|mismatch|verification failed|(is )?invalid)|invalid (hmac|signature)|AuthenticationFailed.{0,200}signature|HMAC.{0,30}(mismatch|invalid)|bad signature"),
    (C.CSRF_FAILED, "csrf", 5.0, r"csrf|xsrf|cross[- ]site request forgery|invalid authenticity token|forgery protection|nonce (is )?(invalid|expired)|rest_cookie_invalid_nonce|No valid crumb|Invalid origin|(invalid|wrong|missing|unknown) state\b|\bstate (parameter )?(mismatch|does not match|is invalid|invalid)"),
    (C.CLIENT_CERT_MISSING, "no-certificate", 5.0, r"no required ssl certificate|client certificate (is )?(required|missing|was not (sent|provided))|certificate required|no client certificate"),
    (C.CLIENT_CERT_REJECTED, "certificate", 4.5, r"the ssl certificate error|client certificate.{0,40}(invalid|not trusted|revoked|expired|rejected|verif)|certificate (verify failed|has been revoked)"),
    (C.RATE_LIMITED, "rate", 4.0, r"rate[- ]?limit|too many requests|throttl|slow ?down|requests? per (second|minute|hour)|secondary rate|try again (later|in \d+)"),
    (C.QUOTA_EXCEEDED, "quota", 4.0, r"quota|usage limit|credit balance|out of credits|allowance|(daily|monthly) limit|limit exceeded"),
    (C.GEO_DENIED, "country", 4.5, r"your (country|region|location)|(country|region|territory).{0,40}(blocked|not (available|allowed|supported|permitted)|banned|restricted)|not available in your|unavailable for legal reasons|unsupported_country"),
    (C.IP_DENIED, "address", 4.0, r"(your |client |this )?ip( address)?\b.{0,50}(not (allowed|authori[sz]ed|permitted|whitelist\w*)|blocked|banned|denied|black ?list\w*|restricted|whitelist|allow ?list)|(blocked|banned|denied).{0,30}\bip\b|address.{0,30}not allowed|AuthorizationFailure.{0,60}network|IpDenied|source ip|not configured it to service requests from you"),
    (C.BOT_CHALLENGE, "challenge", 4.0, r"captcha|checking your browser|verify (you are|that you'?re) (a )?human|challenge[-_]platform|just a moment|enable javascript and cookies|are you a robot|unusual traffic|proof[- ]of[- ]work"),
    (C.CLIENT_DENIED, "client", 3.5, r"user[- ]?agent|browser'?s signature|bot (traffic|detected|activity)|automated (access|request|client)|unsupported (browser|client)|client[_ ](is )?(too[_ ]old|outdated|version)|version of (the|this|your) (app|client|browser).{0,30}(no longer|not) supported|(update|upgrade) (your|the) (app|browser|client)"),
    (C.HOST_DENIED, "host", 4.0, r"invalid http_host|disallowedhost|invalid host|host (header )?(is )?not (allowed|permitted|known)|host not (allowed|permitted|in)|unknown (host|domain|site)|blocked host|misdirected|no such (app|host|site)|strict host checking|direct ip access"),
    (C.REFERER_DENIED, "referer", 4.0, r"hot ?link|\breferr?er\b"),
    (C.CORS_DENIED, "cors", 4.0, r"\bcors\b|cross[- ]origin|preflight|origin .{0,60}not allowed|disallowed (cors )?origin"),
    (C.METHOD_DENIED, "method", 3.5, r"method.{0,40}(not (allowed|supported|permitted)|forbidden|disabled)|MethodNotAllowed|unsupported media type|content[- ]type.{0,40}not (allowed|supported)"),
    (C.ACCOUNT_RESTRICTED, "account", 4.0, r"(account|user|organi[sz]ation|repository|project).{0,40}(suspended|disabled|deactivated|blocked|banned|locked|restricted)|saml (sso|enforcement)|single sign[- ]on|terms of service|accept (the )?(terms|license)|request access|gated|awaiting (a )?review|verify your (e-?mail|account)"),
    (C.PLAN_OR_SUBSCRIPTION, "plan", 4.0, r"(upgrade|current|your|free|paid|pricing) plan|subscri(be|ption)|not (been )?(enabled|activated).{0,40}(api|project|feature)|(api|service|feature).{0,60}(has not been used|is (not enabled|disabled))|premium|licen[cs]e required|billing|payment required|not entitled"),
    (C.NOT_OWNER, "owner", 3.5, r"not (the )?owner|does(n'?t| not) belong to|belongs to (another|someone)|only the (author|owner|creator)|another user'?s"),
    (C.INSUFFICIENT_SCOPE, "permission", 3.2, r"insufficient[_ ](scope|permission|privilege|rights|access)|(do(es)? not|don'?t|doesn'?t|lacks?|missing|no|not (have )?(enough|sufficient)|requires?|without)\b.{0,40}\b(permissions?|privileges?|scopes?|roles?|rights|access to)|not authori[sz]ed to|row[- ]level security|cannot .{0,50} in api group|is not allowed to|resource not accessible|permission[_ ]denied|required scope"),
    (C.RESOURCE_POLICY, "policy", 3.0, r"AccessDenied\b|PublicAccessNotPermitted|explicit deny|resource[- ]based policy|bucket policy|AllAccessDisabled|storage\.objects\.\w+ access|identity-based policy|anonymous caller"),
    (C.CREDENTIALS_INVALID, "credentials", 3.5, r"(invalid|incorrect|wrong|bad|malformed|unknown|unrecogni[sz]ed|revoked|unverifiable).{0,30}(token|api[- _]?key|credential|password|login|secret|jwt|key id|authorization)|InvalidAccessKeyId|invalid_token|(token|api[- _]?key|jwt|credential\w*|password).{0,40}(invalid|not valid|incorrect|revoked|malformed|failed|verification)|authentication failed|jwt (verification|issuer|audience)|Audiences in Jwt"),
    (C.CREDENTIALS_MISSING, "missing", 3.5, r"(missing|no|without|required?|provide|supply|lacks).{0,30}(api[- _]?key|token|credentials?|authorization|authentication|auth\b|subscription key|bearer)|(authentication|authorization|login|log in|sign in|api[- _]?key|token|credentials).{0,30}(required|missing|were not provided|not (found|provided|present|supplied)|is needed)|please (log|sign) ?in|not (logged|signed) in|unauthenticated|Jwt is missing|missing or (invalid|malformed)"),
    (C.WAF_RULE, "rule", 3.5, r"web application firewall|\bwaf\b|mod_?security|sql injection|cross[- ]site scripting|security (rule|policy|service to protect)|malicious|attack (detected|blocked)|blocked (by|because).{0,40}(security|firewall|rule)|request (was )?(blocked|rejected)|support id|incident id|reference #|event id|ray id"),
    (C.DESTINATION_DENIED, "destination", 3.8, r"url (filter|categor)|(web ?site|site|page|destination|domain|category).{0,40}(blocked|denied|not permitted|restricted|filtered)|access control configuration|web filter|acceptable use|egress|allowlist|blocklist|not in (the )?allow"),
    (C.REQUEST_REJECTED, "malformed", 3.0, r"(missing|required|invalid|unsupported).{0,30}(header|parameter|field|body|query)|malformed request|bad request"),
    (C.MAINTENANCE, "maintenance", 3.5, r"maintenance|temporarily (unavailable|disabled)|site is (down|offline|stopped|disabled)|web app .{0,20}stopped|service (is )?(disabled|unavailable)"),
    (C.TLS_REQUIRED, "https", 4.5, r"plain http request was sent to https|https (is )?required|ssl (is )?required|requires? (https|ssl|tls)|must use https|over https"),
    (C.DIRECTORY_INDEX, "index", 4.0, r"directory (listing|browsing|index)|list the contents of this directory|directory has an index file"),
    (C.OBJECT_HIDDEN, "hidden", 3.0, r"(does not|doesn'?t) exist.{0,60}(permission|access|or)|not found or (no|access|you)"),
    (C.FILE_PERMISSIONS, "permissions", 4.0, r"because search permissions are missing|file permissions deny|\(13\).{0,10}permission denied|eacces|read permissions"),
    (C.CONFIG_ERROR, "configuration", 2.5, r"misconfigur|configuration error|cloudflare.{0,60}points to|loop detected|1000 error|dns points"),
)  # fmt: skip
_COMPILED = tuple((c, d, w, re.compile(p, re.IGNORECASE | re.DOTALL)) for c, d, w, p in _STATED)
STANDARD = re.compile(r"You don't have permission to access (this resource|.{0,300}?on this server)", re.DOTALL)
"""what Apache and others print for every refusal: it says nothing of the cause"""
TELLING = ("www-authenticate", "x-error", "x-deny-reason", "x-amzn-errortype", "x-amz-error-code", "x-ms-error-code",
           "proxy-status", "x-reason", "deny-reason", "x-tengine-error", "x-squid-error", "grpc-message",
           "x-error-message", "error", "x-auth-error", "proxy-authenticate", "ngrok-error-code")  # fmt: skip


def stated(exchange: Exchange, body: str) -> Iterator[Cue]:
    """Causes that the answer itself states."""
    response = exchange.response
    assert response is not None
    plain = re.sub(r"<(script|style)\b.*?</\1>|<[^>]{0,300}>", " ", body[:20000], flags=re.IGNORECASE | re.DOTALL)
    plain = STANDARD.sub(" ", plain)
    texts = [("response body", plain)]
    texts += [(f"response header {n}", v) for n in TELLING for v in response.get_all(n)]
    for cause, detail, weight, pattern in _COMPILED:
        for where, said in texts:
            hit = pattern.search(said)
            if hit:
                quote = " ".join(said[max(0, hit.start() - 20) : hit.end() + 20].split())[:120]
                yield Cue(cause, detail, weight, where, quote, f"the answer itself says so: “{quote}”")
                break


ATTACK = (
    ("sqli", r"(\bunion\b.{0,30}\bselect\b|'\s*(or|and)\s+['\d]|\bsleep\s*\(|information_schema|;\s*drop\s|--\s*$|\bor\b\s+1\s*=\s*1)"),
    ("xss", r"(<script|javascript:|onerror\s*=|<svg|<img[^>]+on|<iframe|alert\s*\()"),
    ("traversal", r"(\.\./|\.\.\\|/etc/passwd|/proc/self|\bwin\.ini|%2e%2e)"),
    ("rce", r"(;\s*(cat|ls|id|wget|curl|bash|sh)\b|\$\(|`[a-z]+`|\$\{jndi:|/bin/(ba)?sh|\bexec\s*\(|powershell|cmd\.exe)"),
    ("php", r"(<\?php|php://|phpinfo\s*\()"),
    ("file", r"(/\.git|/\.env|/wp-config|\.htaccess|\.htpasswd|/\.svn|\.bak\b|\.sql\b|web\.config)"),
    ("scanner", r"(sqlmap|nikto|nmap|masscan|acunetix|nessus|dirbuster|gobuster|nuclei|wpscan)"),
)  # fmt: skip


def attack_in(text: str) -> tuple[str, str] | None:
    """(family, what matched) of a payload that web application firewalls look for; the text is URL-decoded."""
    for family, pattern in ATTACK:
        hit = re.search(pattern, text, re.IGNORECASE | re.DOTALL)
        if hit:
            return family, hit.group(0)[:60]
    return None
