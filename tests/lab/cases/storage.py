"""Denials by lighttpd and by an object store."""

from functools import partial

from tests.lab.case import CHAIN_A, Accept, Case, Proof, curl, python
from tracer.model.verdict import Cause, Layer

_LIGHT = "http://light.example.test"
_lighttpd = partial(Case, layer=Layer.ORIGIN, product="lighttpd", status=403, hop="lighttpd", route=("lighttpd",))
_s3 = partial(
    Case,
    layer=Layer.ORIGIN,
    product="aws-s3",
    status=403,
    hop="moto",
    route=("moto",),
    before=(python("s3.py", "prepare", "@work@"),),
)
_MOTO = Accept(products=("moto", "werkzeug"), layers=(Layer.APP,))


def _access(pattern: str) -> Proof:
    return Proof("lighttpd", "access.log", pattern)


_LIGHTTPD = (
    _lighttpd(
        name="lighttpd-access-deny",
        cause=Cause.PATH_DENIED,
        steps=(curl(f"{_LIGHT}/notes.inc"),),
        files={"lighttpd:notes.inc": "inc\n"},
        conf={"lighttpd": 'url.access-deny = ( ".inc", "~" )'},
        proof=_access(r"GET /notes.inc HTTP/1.1. 403"),
        story="Files that end in .inc are asked for.\nlighttpd: url.access-deny.",
    ),
    _lighttpd(
        name="lighttpd-chmod-000",
        cause=Cause.FILE_PERMISSIONS,
        route=(*CHAIN_A, "lighttpd"),
        steps=(curl("https://light.example.test/secret.txt"),),
        files={"lighttpd:secret.txt": "000 secret\n"},
        proof=_access(r"GET /secret.txt HTTP/1.1. 403"),
        accept=Accept(causes=(Cause.PATH_DENIED,)),
        told_by="logs",
        story="A file of mode 000 behind the first chain.\nlighttpd runs as www-data and may not read it.",
    ),
    _lighttpd(
        name="lighttpd-address",
        cause=Cause.IP_DENIED,
        steps=(curl(f"{_LIGHT}/status.txt"), curl(f"{_LIGHT}/status.txt", "blocked")),
        files={"lighttpd:status.txt": "fine\n"},
        conf={"lighttpd": '$HTTP["remoteip"] == "127.0.0.66" { url.access-deny = ( "" ) }'},
        proof=_access(r"127.0.0.66 .*GET /status.txt HTTP/1.1. 403"),
        accept=Accept(causes=(Cause.PATH_DENIED,)),
        story="One client reads the page, the other is refused.\nlighttpd looks at the remote address.",
    ),
    _lighttpd(
        name="lighttpd-basic-none",
        cause=Cause.CREDENTIALS_MISSING,
        status=401,
        steps=(curl(f"{_LIGHT}/team/a.txt"),),
        files={"lighttpd:users": "alice:wonder\n", "lighttpd:team/a.txt": "a\n"},
        conf={
            "lighttpd": 'auth.backend = "plain"\nauth.backend.plain.userfile = "@lighttpd:dir@/www/users"\n'
            'auth.require = ( "/team/" => ( "method" => "basic", "realm" => "team", "require" => "valid-user" ) )'
        },
        proof=_access(r"GET /team/a.txt HTTP/1.1. 401"),
        story="No user and password were sent.\nlighttpd asks for them.",
    ),
)


def _log(path: str) -> Proof:
    return Proof("moto", "output.log", rf"GET {path} HTTP/1.1.* 403")


_S3 = (
    _s3(
        name="s3-policy",
        cause=Cause.RESOURCE_POLICY,
        steps=(python("s3.py", "policy", "@work@"),),
        proof=_log("/reports/2026/plan.txt"),
        accept=Accept(products=_MOTO.products, layers=_MOTO.layers, causes=(Cause.INSUFFICIENT_SCOPE,)),
        story="alice signs a GET for an object in a bucket; the store knows her key and answers 403 AccessDenied.\n"
        "No policy lets her read: she has no rights at all.",
        curated=True,
    ),
    _s3(
        name="s3-signature",
        cause=Cause.SIGNATURE_MISMATCH,
        steps=(python("s3.py", "signature", "@work@"),),
        proof=_log("/reports/2026/plan.txt"),
        accept=_MOTO,
        story="The access key is right, the secret is not.\n"
        "The store computes another signature: SignatureDoesNotMatch.",
    ),
    _s3(
        name="s3-unknown-key",
        cause=Cause.CREDENTIALS_INVALID,
        steps=(python("s3.py", "unknown-key", "@work@"),),
        proof=_log("/reports/2026/plan.txt"),
        accept=_MOTO,
        story="The access key does not exist (any more).\nThe store: InvalidAccessKeyId.",
    ),
    _s3(
        name="s3-anonymous",
        cause=Cause.RESOURCE_POLICY,
        steps=(curl("http://s3.example.test/reports/2026/plan.txt"),),
        proof=_log("/reports/2026/plan.txt"),
        accept=Accept(
            products=_MOTO.products, layers=_MOTO.layers, causes=(Cause.CREDENTIALS_MISSING, Cause.OBJECT_HIDDEN)
        ),
        story="Somebody follows a bare link to an object that is not public.\nThe store refuses anonymous readers.",
    ),
)

CASES: tuple[Case, ...] = (*_LIGHTTPD, *_S3)
