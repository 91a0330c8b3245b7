"""Denials by Apache that holds the files."""

from functools import partial

from tests.lab.case import CHAIN_A, CHAIN_B, Accept, Case, Proof, curl
from tracer.model.verdict import Cause, Layer

_AT = "http://files.example.test"
_TLS = "https://files.example.test"
_origin = partial(Case, layer=Layer.ORIGIN, product="apache", status=403, hop="apache")
_direct = partial(_origin, route=("apache",))
_DENIED = r"AH01630: client denied by server configuration: .*"


def _error(pattern: str) -> Proof:
    return Proof("apache", "error.log", pattern)


def _access(pattern: str) -> Proof:
    return Proof("apache", "access.log", pattern)


_RULES = (
    _direct(
        name="apache-no-index",
        cause=Cause.DIRECTORY_INDEX,
        steps=(curl(f"{_AT}/photos/one.txt"), curl(f"{_AT}/photos/")),
        files={"apache:photos/one.txt": "a photo\n"},
        conf={"apache": "<Location /photos/>\n    Options -Indexes\n</Location>"},
        proof=_error(r"AH01276: Cannot serve directory .*photos"),
        story="A file in /photos/ can be read, the folder itself is a 403.\n"
        "It has no index.html, and Apache may not list it: Options -Indexes.",
        curated=True,
    ),
    _origin(
        name="apache-no-index-chain-a",
        cause=Cause.DIRECTORY_INDEX,
        route=(*CHAIN_A, "apache"),
        steps=(curl(f"{_TLS}/photos/"),),
        files={"apache:photos/one.txt": "a photo\n"},
        conf={"apache": "<Location /photos/>\n    Options -Indexes\n</Location>"},
        proof=_error(r"AH01276: Cannot serve directory .*photos"),
        accept=Accept(causes=(Cause.PATH_DENIED,)),
        story="The same folder through cache, firewall and gateway.\n"
        "nginx puts its own name into Server; the page is still Apache's.",
    ),
    _origin(
        name="apache-htaccess",
        cause=Cause.PATH_DENIED,
        route=(*CHAIN_B, "apache"),
        steps=(curl(f"{_TLS}/includes/notes.txt"),),
        files={"apache:includes/notes.txt": "notes\n", "apache:includes/.htaccess": "Require all denied\n"},
        proof=_error(_DENIED + "includes/notes.txt"),
        accept=Accept(causes=(Cause.IP_DENIED,)),
        story="A .htaccess file in the folder says Require all denied.\n"
        "Two Apaches are on the way, firewall and origin; the page with the signature is the origin's.",
        curated=True,
    ),
    _direct(
        name="apache-parent-htaccess",
        cause=Cause.PATH_DENIED,
        steps=(curl(f"{_AT}/old/2019/a.txt"),),
        files={"apache:old/.htaccess": "Deny from all\n", "apache:old/2019/a.txt": "a\n"},
        proof=_error(r"AH01797: client denied by server configuration: .*old/2019/a.txt"),
        accept=Accept(causes=(Cause.IP_DENIED,)),
        story="A .htaccess file two folders up still has `Deny from all` of Apache 2.2.\nEverything below it is a 403.",
    ),
    _direct(
        name="apache-require-ip",
        cause=Cause.IP_DENIED,
        steps=(curl(f"{_AT}/office/plan.txt"),),
        files={"apache:office/plan.txt": "plan\n"},
        conf={"apache": "<Location /office/>\n    Require ip 10.0.0.0/8\n</Location>"},
        proof=_error(_DENIED + "office/plan.txt"),
        accept=Accept(causes=(Cause.PATH_DENIED,)),
        told_by="logs",
        story="The office's pages are for 10.0.0.0/8.\nApache's Require ip refuses everybody else.",
    ),
    _direct(
        name="apache-rewrite-forbidden",
        cause=Cause.PATH_DENIED,
        steps=(curl(f"{_AT}/backup.sql"),),
        conf={"apache": "RewriteEngine on\nRewriteRule [.](sql|bak)$ - [F]"},
        proof=_access(r"GET /backup.sql HTTP/1.1. 403"),
        accept=Accept(causes=(Cause.WAF_RULE,)),
        story="Files that end in .sql or .bak are asked for.\nApache's RewriteRule with [F] forbids them.",
    ),
    _direct(
        name="apache-hotlink",
        cause=Cause.REFERER_DENIED,
        steps=(curl(f"{_AT}/pics/cat.jpg", "-e", "https://elsewhere.test/", "-H", "Accept: image/*"),),
        files={"apache:pics/cat.jpg": "jpg\n"},
        conf={
            "apache": "RewriteEngine on\nRewriteCond %{HTTP_REFERER} !^$\n"
            "RewriteCond %{HTTP_REFERER} !^https?://files[.]example[.]test/\nRewriteRule ^/pics/ - [F]"
        },
        proof=_access(r"GET /pics/cat.jpg HTTP/1.1. 403 .*elsewhere"),
        story="A picture is embedded in somebody else's page.\nApache's rewrite rules look at the Referer.",
    ),
    _direct(
        name="apache-expression-agent",
        cause=Cause.CLIENT_DENIED,
        steps=(curl(f"{_AT}/catalog/a.txt", "-A", "Mozilla/5.0"), curl(f"{_AT}/catalog/a.txt", "-A", "SiteSucker/5")),
        files={"apache:catalog/a.txt": "a\n"},
        conf={"apache": "<Location /catalog/>\n    Require expr %{HTTP_USER_AGENT} !~ /Sucker/\n</Location>"},
        proof=_error(_DENIED + "catalog/a.txt"),
        story="A browser may read the catalogue, a download tool may not.\nApache: Require expr on the User-Agent.",
    ),
    _direct(
        name="apache-method",
        cause=Cause.METHOD_DENIED,
        status=405,
        steps=(curl(f"{_AT}/catalogue2/", "-X", "DELETE"),),
        files={"apache:catalogue2/index.html": "a\n"},
        conf={"apache": "<Location /catalogue2/>\n    AllowMethods GET HEAD\n</Location>"},
        proof=_error(r"AH01623: client method denied by server configuration: 'DELETE'"),
        story="DELETE on a page.\nApache's AllowMethods lets only GET and HEAD through: 405.",
    ),
    _direct(
        name="apache-ssl-required",
        cause=Cause.TLS_REQUIRED,
        steps=(curl(f"{_AT}/vault/a.txt"),),
        files={"apache:vault/a.txt": "a\n"},
        conf={"apache": "<Location /vault/>\n    SSLRequireSSL\n</Location>"},
        proof=_error(r"access to .*vault/a.txt failed, reason: SSL connection required"),
        accept=Accept(causes=(Cause.PATH_DENIED,)),
        told_by="logs",
        story="The folder may only be read over TLS.\nApache's SSLRequireSSL turns plain HTTP into a 403.",
    ),
)

_FILES = (
    _origin(
        name="apache-chmod-000",
        cause=Cause.FILE_PERMISSIONS,
        route=(*CHAIN_A, "apache"),
        steps=(curl(f"{_TLS}/docs/secret.txt"),),
        files={"apache:docs/secret.txt": "000 secret\n"},
        proof=_error(r"AH00132: file permissions deny server access: .*docs/secret.txt"),
        accept=Accept(causes=(Cause.PATH_DENIED,)),
        told_by="logs",
        story="One file is a 403 through the whole chain.\nIts mode is 000; Apache runs as www-data.",
    ),
    _direct(
        name="apache-dir-700",
        cause=Cause.FILE_PERMISSIONS,
        steps=(curl(f"{_AT}/moved/page.txt"),),
        files={"apache:moved/page.txt": "page\n", "apache:moved": "700 dir"},
        proof=_error(r"AH00529: .*moved/.htaccess pcfg_openfile: unable to check htaccess file"),
        accept=Accept(causes=(Cause.PATH_DENIED,)),
        told_by="logs",
        story="A folder came from another machine with mode 700.\nApache may not look into it.",
    ),
    _direct(
        name="apache-htaccess-unreadable",
        cause=Cause.FILE_PERMISSIONS,
        steps=(curl(f"{_AT}/blog/post.txt"),),
        files={"apache:blog/post.txt": "post\n", "apache:blog/.htaccess": "000 # rules\n"},
        proof=_error(r"AH00529: .*blog/.htaccess pcfg_openfile: unable to check htaccess file"),
        accept=Accept(causes=(Cause.PATH_DENIED, Cause.CONFIG_ERROR)),
        told_by="logs",
        story="The pages are readable, but their .htaccess has mode 000.\n"
        "Apache refuses rather than ignore rules it cannot read; the page says so.",
    ),
)

_PASSWORDS = {
    "apache": "<LocationMatch ^/(club|board)/>\n    AuthType Basic\n    AuthName club\n"
    "    AuthUserFile @apache:dir@/www/users\n    AuthzSendForbiddenOnFailure On\n</LocationMatch>\n"
    "<Location /club/>\n    Require valid-user\n</Location>\n<Location /board/>\n    Require user bob\n</Location>"
}
_USERS = {
    "apache:users": "alice:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n",
    "apache:club/a.txt": "a\n",
    "apache:board/a.txt": "a\n",
}

_AUTH = (
    _direct(
        name="apache-basic-none",
        cause=Cause.CREDENTIALS_MISSING,
        status=401,
        steps=(curl(f"{_AT}/club/a.txt"),),
        files=_USERS,
        conf=_PASSWORDS,
        proof=_access(r"GET /club/a.txt HTTP/1.1. 401"),
        story="No user and password were sent.\nApache asks for them.",
    ),
    _direct(
        name="apache-basic-wrong",
        cause=Cause.CREDENTIALS_INVALID,
        status=401,
        steps=(curl(f"{_AT}/club/a.txt", "-u", "alice:guess"),),
        files=_USERS,
        conf=_PASSWORDS,
        proof=_error(r"AH01617: user alice: authentication failure for ./club/a.txt.: Password Mismatch"),
        story="alice sends a wrong password.\nApache: Password Mismatch, 401.",
    ),
    _origin(
        name="apache-require-user",
        cause=Cause.INSUFFICIENT_SCOPE,
        route=(*CHAIN_A, "apache"),
        steps=(curl(f"{_TLS}/board/a.txt", "-u", "alice:password"),),
        files=_USERS,
        conf=_PASSWORDS,
        proof=_error(r"AH01631: user alice: authorization failure for ./board/a.txt."),
        accept=Accept(causes=(Cause.CREDENTIALS_INVALID, Cause.ACCOUNT_RESTRICTED, Cause.RESOURCE_POLICY)),
        story="alice is known and her password is right, but the board's pages are for bob.\n"
        "Apache: Require user bob, with AuthzSendForbiddenOnFailure.",
        curated=True,
    ),
)

CASES: tuple[Case, ...] = (*_RULES, *_FILES, *_AUTH)
