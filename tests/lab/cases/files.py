"""More of files, folders and access files: links, owners, orders of rules, overrides that are off."""

from functools import partial

from tests.lab.case import CHAIN_B, Accept, Case, Proof, curl
from tracer.model.verdict import Cause, Layer

_AT = "http://files.example.test"
_apache = partial(Case, layer=Layer.ORIGIN, product="apache", status=403, hop="apache", route=("apache",))


def _error(pattern: str) -> Proof:
    return Proof("apache", "error.log", pattern)


CASES: tuple[Case, ...] = (
    _apache(
        name="apache-link-not-allowed",
        cause=Cause.FILE_PERMISSIONS,
        steps=(curl(f"{_AT}/links/there.txt"), curl(f"{_AT}/links/latest.txt")),
        files={"apache:links/there.txt": "there\n", "apache:links/latest.txt": "-> there.txt"},
        conf={"apache": '<Directory "@apache:dir@/www/links">\n    Options None\n</Directory>'},
        proof=_error(r"AH00037: Symbolic link not allowed or link target not accessible: .*links/latest.txt"),
        accept=Accept(causes=(Cause.PATH_DENIED, Cause.CONFIG_ERROR)),
        told_by="logs",
        story="A file can be read, a symbolic link to it cannot.\nApache: Options without FollowSymLinks.",
    ),
    _apache(
        name="apache-wrong-order",
        cause=Cause.PATH_DENIED,
        route=(*CHAIN_B, "apache"),
        steps=(curl("https://files.example.test/press/a.txt"),),
        files={"apache:press/a.txt": "a\n"},
        conf={"apache": "<Location /press/>\n    Order Allow,Deny\n    Allow from all\n    Deny from all\n</Location>"},
        proof=_error(r"AH01797: client denied by server configuration: .*press/a.txt"),
        accept=Accept(causes=(Cause.IP_DENIED,)),
        story="Somebody wrote `Allow from all` and still everybody is refused, through the second chain.\n"
        "With Order Allow,Deny the Deny line comes last and wins.",
    ),
    _apache(
        name="apache-override-off",
        cause=Cause.PATH_DENIED,
        steps=(curl(f"{_AT}/opened/a.txt"),),
        files={"apache:opened/a.txt": "a\n", "apache:opened/.htaccess": "Require all granted\n"},
        conf={
            "apache": '<Directory "@apache:dir@/www/opened">\n    AllowOverride None\n'
            "    Require all denied\n</Directory>"
        },
        proof=_error(r"AH01630: client denied by server configuration: .*opened/a.txt"),
        accept=Accept(causes=(Cause.IP_DENIED,)),
        story="The folder's .htaccess opens it, and nothing changes.\n"
        "AllowOverride None: Apache does not read that file.",
    ),
    Case(
        name="nginx-mode-600",
        layer=Layer.ORIGIN,
        product="nginx",
        cause=Cause.FILE_PERMISSIONS,
        status=403,
        hop="nginx",
        route=("caddy", "nginx"),
        steps=(curl("https://static.example.test/upload/old.txt"), curl("https://static.example.test/upload/new.txt")),
        files={"nginx:upload/old.txt": "old\n", "nginx:upload/new.txt": "600 new\n"},
        proof=Proof("nginx", "error.log", r"upload/new.txt. failed \(13: Permission denied\)"),
        accept=Accept(causes=(Cause.PATH_DENIED,)),
        told_by="logs",
        story="A file that root uploaded is a 403 through Caddy, its older neighbour is not.\n"
        "Mode 600, owner root; nginx runs as www-data.",
    ),
    Case(
        name="lighttpd-no-index",
        layer=Layer.ORIGIN,
        product="lighttpd",
        cause=Cause.DIRECTORY_INDEX,
        status=403,
        hop="lighttpd",
        route=("varnish", "lighttpd"),
        steps=(curl("http://light.example.test/albums/one.txt"), curl("http://light.example.test/albums/")),
        files={"lighttpd:albums/one.txt": "one\n"},
        proof=Proof("lighttpd", "access.log", r"GET /albums/ HTTP/1.1. 403"),
        accept=Accept(causes=(Cause.PATH_DENIED,)),
        story="A file in the folder can be read, the folder cannot, through Varnish.\n"
        "No index.html, and lighttpd's mod_dirlisting is not loaded.",
    ),
)
