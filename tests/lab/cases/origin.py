"""Denials by the web server that holds the files."""

from tests.lab.case import Accept, Case, Proof, curl, python
from tracer.model.verdict import Cause, Layer

_NGINX = "http://static.example.test"
_APACHE = "http://files.example.test"

CASES = (
    Case(
        name="nginx-deny",
        layer=Layer.ORIGIN,
        product="nginx",
        cause=Cause.PATH_DENIED,
        status=403,
        hop="nginx",
        route=("varnish", "nginx"),
        steps=(curl(f"{_NGINX}/"), curl(f"{_NGINX}/private/report.html")),
        files={"nginx:private/report.html": "<p>figures</p>\n"},
        conf={"nginx": "location /private/ { deny all; }"},
        proof=Proof("nginx", "error.log", r"access forbidden by rule.*GET /private/report.html"),
        accept=Accept(causes=(Cause.IP_DENIED,)),
        story="The home page comes through Varnish; a page under /private/ is a 403 on the same way.\n"
        "nginx behind Varnish refuses it with `deny all`; Varnish only carried the answer.",
        curated=True,
    ),
    Case(
        name="apache-no-index",
        layer=Layer.ORIGIN,
        product="apache",
        cause=Cause.DIRECTORY_INDEX,
        status=403,
        hop="apache",
        route=("apache",),
        steps=(curl(f"{_APACHE}/photos/one.txt"), curl(f"{_APACHE}/photos/")),
        files={"apache:photos/one.txt": "a photo\n"},
        conf={"apache": "<Location /photos/>\n    Options -Indexes\n</Location>"},
        proof=Proof("apache", "error.log", r"AH01276: Cannot serve directory .*photos"),
        story="A file in /photos/ can be read, the folder itself is a 403.\n"
        "It has no index.html, and Apache may not list it: Options -Indexes.",
        curated=True,
    ),
    Case(
        name="nginx-chmod-000",
        layer=Layer.ORIGIN,
        product="nginx",
        cause=Cause.FILE_PERMISSIONS,
        status=403,
        hop="nginx",
        route=("nginx",),
        steps=(curl(f"{_NGINX}/docs/guide.html"), curl(f"{_NGINX}/docs/secret.html")),
        files={"nginx:docs/guide.html": "<p>guide</p>\n", "nginx:docs/secret.html": "000 <p>secret</p>\n"},
        proof=Proof("nginx", "error.log", r"secret.html. failed \(13: Permission denied\)"),
        accept=Accept(causes=(Cause.PATH_DENIED,)),
        told_by="logs",
        story="One page of /docs/ can be read, its neighbour is a 403.\n"
        "The file has mode 000, and nginx's workers run as www-data.",
        curated=True,
    ),
    Case(
        name="s3-policy",
        layer=Layer.ORIGIN,
        product="aws-s3",
        cause=Cause.RESOURCE_POLICY,
        status=403,
        hop="moto",
        route=("moto",),
        before=(python("s3.py", "prepare", "@work@"),),
        steps=(python("s3.py", "policy", "@work@"),),
        proof=Proof("moto", "output.log", r"GET /reports/2026/plan.txt HTTP/1.1.* 403"),
        accept=Accept(products=("moto", "werkzeug"), layers=(Layer.APP,), causes=(Cause.INSUFFICIENT_SCOPE,)),
        story="alice signs a GET for an object in a bucket; the store knows her key and answers 403 AccessDenied.\n"
        "No policy lets her read: she has no rights at all.",
        curated=True,
    ),
)
