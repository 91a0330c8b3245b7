"""What counts as a secret: names of fields that hold one, and shapes that are one wherever they stand."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from tracer.model.verdict import Cause

HEADERS: dict[str, str] = {
    "authorization": "credential",
    "proxy-authorization": "credential",
    "x-original-authorization": "credential",
    "x-forwarded-authorization": "credential",
    "x-amz-security-token": "token",
    "x-amz-cf-id-token": "token",
    "x-goog-iap-jwt-assertion": "jwt",
    "x-serverless-authorization": "credential",
    "x-ms-token-aad-access-token": "token",
    "x-ms-token-aad-id-token": "token",
    "x-ms-token-aad-refresh-token": "token",
    "x-ms-client-principal": "token",
    "cf-access-jwt-assertion": "jwt",
    "cf-access-client-secret": "secret",
    "x-vault-token": "token",
    "x-gitlab-token": "token",
    "private-token": "token",
    "job-token": "token",
    "x-github-token": "token",
    "x-hub-signature": "signature",
    "x-hub-signature-256": "signature",
    "x-slack-signature": "signature",
    "stripe-signature": "signature",
    "x-shopify-access-token": "token",
    "x-shopify-storefront-access-token": "token",
    "x-auth-user": "user",
    "x-forwarded-client-cert": "certificate",
    "x-ssl-client-cert": "certificate",
    "x-client-cert": "certificate",
    "x-amzn-mtls-clientcert": "certificate",
    "x-amzn-mtls-clientcert-leaf": "certificate",
    "ssl-client-cert": "certificate",
    "client-cert": "certificate",
    "client-cert-chain": "certificate",
    "sec-websocket-protocol": "",
    "ocp-apim-subscription-key": "key",
    "x-functions-key": "key",
    "x-rapidapi-key": "key",
    "x-parse-rest-api-key": "key",
    "x-parse-session-token": "token",
    "x-algolia-api-key": "key",
    "x-redmine-api-key": "key",
    "x-dreamfactory-api-key": "key",
    "apikey": "key",
    "api-key": "key",
    "x-consumer-key": "key",
    "dpop": "jwt",
    "authentication-info": "credential",
    "proxy-authentication-info": "credential",
}
"""header fields whose whole value is secret, and the kind of secret; an empty kind: only what looks like one"""

IDENTIFIES = re.compile(
    r"(?:^|[-_])(?:id|trace\w*|span|request|correlation|idempotency|etag|match|ray|baggage|sha256|md5|digest|fingerprint|"
    r"user-agent|content-type|build|version|commit|accept|host|http2-settings|sec-websocket-(?:key|extensions))(?:$|[-_])"
    r"|id$"
)
"""names of fields of a request that tell exchanges, bodies and programs apart: random characters are no secret there"""
HEADER = re.compile(
    r"(?:^|[-_])(?:token|secret|passw(?:or)?d|api-?_?key|auth-?_?key|access-?_?key|subscription-?key|session-?(?:id|key|"
    r"token)|credentials?|(?:csrf|xsrf)(?:-?token)?|jwt|assertion|signature|private-?key)(?:$|[-_])"
    r"|(?:^|[-_])(?:auth(?:entication|orization)?|key)$",
    re.IGNORECASE,
)
"""names of other header fields whose value is secret"""
NOT_SECRET = frozenset(
    {"sec-websocket-key", "sec-websocket-accept", "x-request-signature-version", "signature-input", "idempotency-key",
     "surrogate-key", "x-surrogate-key", "cache-key", "x-cache-key", *(cause.value for cause in Cause)}
)  # fmt: skip
"""fields whose names only sound so, and what verdicts call the causes of denials"""

NAME = re.compile(
    r"(?:^|[^a-z])(?:"
    r"passw(?:or)?d|passwd|pwd|pw|pass|passphrase|pin|hmac|hdn(?:ts|ea|tl)|otp|totp|mfa_?code|secret|client_?secret|"
    r"(?:access|refresh|id|auth|session|bearer|csrf|xsrf|security|api|user|device|sas|shared|login|oauth|jwt|x-amz-security|"
    r"authenticity|invite|reset|verification|confirmation)_?-?token|token|"
    r"api_?-?key|apikey|access_?-?key(?:_?id)?|aws_?access_?key_?id|secret_?-?(?:access_?)?key|private_?-?key|"
    r"subscription_?-?key|auth_?-?key|signing_?-?key|encryption_?-?key|account_?key|"
    r"session_?-?id|sessionid|sess(?:ion)?|sid|phpsessid|jsessionid|asp\.net_sessionid|connect\.sid|"
    r"code_?verifier|code|nonce_?token|assertion|client_?assertion|saml_?response|saml_?request|relay_?state|"
    r"sig|signature|x-amz-signature|x-amz-credential|x-goog-signature|x-goog-credential|se?cret|"
    r"auth|authorization|credential|credentials|jwt|ticket|key|viewstate|__requestverificationtoken|state"
    r")(?:$|[^a-z])",
    re.IGNORECASE,
)
"""names of query parameters and form fields whose value is secret"""
JSON_NAME = re.compile(
    r"(?:passw(?:or)?d|passwd|passphrase|secret|token|api_?-?key|apikey|access_?-?key|private_?-?key|session_?-?id|"
    r"sessionid|credential|authorization|client_?assertion|saml_?response|jwt|cookie|otp|signing_?key|account_?key)",
    re.IGNORECASE,
)
"""names of members in JSON, attributes and other text whose value is secret; short words are too common there"""
WEAK_PARAMETER = re.compile(r"(?:^|[^a-z])(?:hash|md5|mac|invite|reset|verify|activation|confirm)$", re.IGNORECASE)
"""names of parameters whose value is secret when it looks like a token"""
WEAK_NAME = re.compile(r"(?:^|[^a-z])(?:code|sig|signature|ticket|sid|sess|auth|x-(?:amz|goog)-\w+)$", re.IGNORECASE)
"""names of members whose value is secret when it looks like a token: elsewhere they hold words and numbers"""
TOKEN = re.compile(
    r"(?=[^\s]*[0-9])(?:(?=[^\s]*[a-z])(?=[^\s]*[A-Z])[A-Za-z0-9._~+/=%-]{16,}|[0-9a-f]{32,}|[0-9A-F]{32,})"
)
"""a value that is no word: digits with both cases, or long hexadecimal"""


class Shape(NamedTuple):
    """A secret that is known by its form. The group `s`, or the whole, is what is secret."""

    kind: str
    expression: str
    words: tuple[str, ...] = ()
    """every match begins with one of these, in lower case; looking for all of them at once is what makes it fast"""
    flags: int = 0

    @property
    def pattern(self) -> re.Pattern[str]:
        """The expression, compiled when first a text may hold it: most runs meet few of these shapes."""
        return _compiled(self.expression, self.flags)


@cache
def _compiled(expression: str, flags: int) -> re.Pattern[str]:
    return re.compile(expression, flags)


def _shape(kind: str, words: tuple[str, ...], expression: str, flags: int = 0) -> Shape:
    return Shape(kind, expression, words, flags)


_KEYS = tuple(
    f"{whose}{sign}key" for whose in ("api", "access", "private", "signing", "account") for sign in ("", "_", "-", "_-")
)
MEMBER_WORDS = (
    "pass", "pwd", "pw", "pin", "secret", "token", *_KEYS, "sess", "credential", "auth", "assertion", "saml", "jwt",
    "cookie", "otp", "code", "sig", "ticket", "sid", "x-amz-", "x-goog-",
)  # fmt: skip
"""one of these, in lower case, is in every name of a member that holds a secret"""
FIELD_WORDS = (
    "auth", "cookie", "token", "secret", "passw", "key", "session", "credential", "csrf", "xsrf", "jwt", "assertion",
    "signature", "client-cert", "clientcert", "client-principal", "dpop",
)  # fmt: skip
"""one of these, in lower case, is in every name of a header field that holds a secret"""


def header_kind(name: str) -> str:
    """The kind of secret that a header field of this lower-case name holds; empty when it holds none."""
    if name in NOT_SECRET:
        return ""
    return HEADERS.get(name) or ("header" if HEADER.search(name) else "")


SHAPES: tuple[Shape, ...] = (
    _shape(
        "private-key",
        ("-----begin",),
        r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----.*?"
        r"(?:-----END (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----|\Z)",
        re.S,
    ),
    _shape(
        "jwt", ("eyj",), r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{5,}\.(?:eyJ)?[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*){0,3}"
    ),
    _shape(
        "bearer",
        ("bearer", "dpop", "googlelogin"),
        r"\b(?:Bearer|DPoP|GoogleLogin auth=)[ \t]+"
        r"(?P<s>(?=[A-Za-z._~+/=-]*\d|[A-Za-z._~+/=-]{20})[A-Za-z0-9._~+/=-]{8,})",
        re.I,
    ),
    _shape("negotiate", ("negotiate", "ntlm"), r"\b(?:Negotiate|NTLM)[ \t]+(?P<s>[A-Za-z0-9+/]{16,}={0,2})", re.I),
    _shape("token", ("authorization",), r"\bauthorization\W{1,4}Token[ \t]+(?P<s>[A-Za-z0-9._~+/=-]{8,})", re.I),
    _shape("basic", ("basic",), r"\bBasic[ \t]+(?P<s>(?=[a-z+/]*[A-Z0-9=])[A-Za-z0-9+/]{6,}={0,2})(?![A-Za-z])"),
    _shape(
        "aws-key",
        ("akia", "asia", "aroa", "aida", "abia", "acca"),
        r"(?<![A-Z0-9])(?:AKIA|ASIA|AROA|AIDA|ABIA|ACCA)[A-Z0-9]{12,}(?![A-Z0-9])",
    ),
    _shape("aws-signature", ("signature=",), r"\bSignature=(?P<s>[0-9a-fA-F]{32,})"),
    _shape("aws-credential", ("credential=",), r"\bCredential=(?P<s>[^,\s/]+)"),
    _shape(
        "aws-secret",
        ("awssecret", "aws_secret", "secretaccesskey"),
        r"\b(?:aws_?secret_?access_?key|SecretAccessKey)\W{1,8}(?P<s>[A-Za-z0-9/+=]{30,})",
        re.I,
    ),
    _shape("google-key", ("aiza",), r"\bAIza[0-9A-Za-z_-]{30,}"),
    _shape("google-token", ("ya29.",), r"\bya29\.[0-9A-Za-z_-]{15,}"),
    _shape(
        "github-token",
        ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
        r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,})",
    ),
    _shape(
        "gitlab-token",
        ("glpat-", "glptt-", "glrt-", "gldt-", "glcbt-"),
        r"\bgl(?:pat|ptt|rt|dt|cbt)-[A-Za-z0-9_-]{16,}",
    ),
    _shape("slack-token", ("xox",), r"\bxox[abeprs]-[A-Za-z0-9-]{8,}"),
    _shape("slack-hook", ("hooks.slack.com",), r"hooks\.slack\.com/services/(?P<s>[A-Za-z0-9/]{20,})"),
    _shape("stripe-key", ("sk_", "rk_", "pk_", "whsec_"), r"\b(?:sk|rk|pk|whsec)_(?:live_|test_)?[A-Za-z0-9]{16,}"),
    _shape("ai-key", ("sk-",), r"\bsk-(?:[a-z]+-)*[A-Za-z0-9_-]{20,}"),
    _shape(
        "api-token",
        (
            "pypi-",
            "hf_",
            "dop_v1_",
            "doo_v1_",
            "shpat_",
            "shpca_",
            "shppa_",
            "shpss_",
            "glsa_",
            "pmak-",
            "atatt3",
            "atctt3",
            "figd_",
            "lin_api_",
            "dckr_pat_",
            "xapp-",
            "rubygems_",
            "nrak-",
            "sbp_",
            "dapi",
            "age-secret-key-1",
        ),
        r"\b(?:pypi-|hf_|do[op]_v1_|shp(?:at|ca|pa|ss)_|glsa_|PMAK-|AT[AC]TT3|figd_|lin_api_|dckr_pat_|xapp-|rubygems_|"
        r"NRAK-|sbp_|dapi(?=[0-9a-f]{32})|AGE-SECRET-KEY-1)[A-Za-z0-9_=-]{20,}",
    ),
    _shape("npm-token", ("npm_",), r"\bnpm_[A-Za-z0-9]{30,}"),
    _shape("vault-token", ("hvs.", "hvb.", "hvr."), r"\bhv[sbr]\.[A-Za-z0-9_-]{20,}"),
    _shape("sendgrid-key", ("sg.",), r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"),
    _shape(
        "azure-key",
        ("accountkey=", "sharedaccesskey="),
        r"\b(?:AccountKey|SharedAccessKey)=(?P<s>[A-Za-z0-9+/=]{20,})",
        re.I,
    ),
    _shape(
        "session",
        (";jsessionid=", ";phpsessid=", ";sid="),
        r";(?:jsessionid|phpsessid|sid)=(?P<s>[^;/?#\s&\"'<>]{6,})",
        re.I,
    ),
    _shape("session", ("/(s(",), r"/\(S\((?P<s>[a-z0-9]{16,})\)\)", re.I),
    _shape("userinfo", ("://",), r"://(?P<s>[^\s/@:?#\"'<>]*:[^\s/@?#\"'<>]*)@"),
    _shape(
        "key-log",
        ("client_", "server_", "exporter_secret", "early_exporter_secret"),
        r"\b(?:CLIENT_RANDOM|(?:CLIENT|SERVER)_(?:HANDSHAKE_)?TRAFFIC_SECRET(?:_\d)?|(?:EARLY_)?EXPORTER_SECRET|"
        r"CLIENT_EARLY_TRAFFIC_SECRET)[ \t]+[0-9a-fA-F]+[ \t]+(?P<s>[0-9a-fA-F]{32,})",
    ),
)
