"""Denials by web application firewalls: ModSecurity with the Core Rule Set in nginx and in Apache, and others."""

from functools import partial

from tests.lab.case import CHAIN_A, CHAIN_B, Accept, Case, Proof, curl
from tracer.model.verdict import Cause, Layer

_S, _A = "https://static.example.test", "https://app.example.test"
_ALSO_NGINX = ("nginx", "libmodsecurity", "owasp-crs", "coreruleset", "crs")
_ALSO_APACHE = ("apache", "httpd", "mod-security2", "owasp-crs", "coreruleset", "crs")
_nginx = partial(
    Case,
    layer=Layer.WAF,
    product="modsecurity",
    cause=Cause.WAF_RULE,
    status=403,
    hop="waf",
    decidable=False,
    accept=Accept(products=_ALSO_NGINX),
)
_apache = partial(
    Case,
    layer=Layer.WAF,
    product="modsecurity",
    cause=Cause.WAF_RULE,
    status=403,
    hop="waf-apache",
    decidable=False,
    accept=Accept(products=_ALSO_APACHE),
)


def _audit(rule: int) -> Proof:
    return Proof("waf", "audit.log", rf'\[id "{rule}"\]')


def _error(rule: int) -> Proof:
    return Proof("waf-apache", "error.log", rf'ModSecurity: .*\[id "{rule}"\]')


_TO_NGINX = (*CHAIN_A, "nginx")
_NGINX = (
    _nginx(
        name="crs-nginx-sqli",
        route=_TO_NGINX,
        steps=(curl(f"{_S}/list?id=1%27%20OR%20%271%27=%271%20UNION%20SELECT%20password%20FROM%20users--"),),
        proof=_audit(942100),
        story="SQL in the query, through cache and firewall.\n"
        "The Core Rule Set blocks it with nginx's own page; no byte tells the firewall from the origin behind it.",
        curated=True,
    ),
    _nginx(
        name="crs-nginx-xss",
        route=_TO_NGINX,
        steps=(curl(f"{_S}/search?q=%3Cscript%3Ealert(1)%3C/script%3E"),),
        proof=_audit(941100),
        story="A script in the query.\nRule 941100 of the Core Rule Set.",
    ),
    _nginx(
        name="crs-nginx-lfi",
        route=_TO_NGINX,
        steps=(curl(f"{_S}/show?file=../../../../etc/passwd"),),
        proof=_audit(930120),
        story="A path to /etc/passwd in the query.\nRules 930100 and 930120.",
    ),
    _nginx(
        name="crs-nginx-rce",
        route=(*CHAIN_A, "flask"),
        steps=(curl(f"{_A}/tool?cmd=;cat%20/etc/shadow"),),
        proof=_audit(932100),
        story="A shell command in the query.\nThe Core Rule Set's 932 rules.",
    ),
    _nginx(
        name="crs-nginx-scanner",
        route=_TO_NGINX,
        steps=(curl(f"{_S}/photos/", "-A", "Mozilla/5.00 (Nikto/2.1.6)"),),
        proof=_audit(913100),
        accept=Accept(products=_ALSO_NGINX, causes=(Cause.CLIENT_DENIED,)),
        story="The User-Agent is a scanner's.\nRule 913100.",
    ),
    _nginx(
        name="crs-nginx-body",
        route=(*CHAIN_A, "flask"),
        steps=(curl(f"{_A}/comment", "--data-urlencode", "text=x' UNION SELECT name, password FROM users --"),),
        proof=_audit(942100),
        story="SQL in a posted form.\nRule 942100 looks at the body.",
    ),
    _nginx(
        name="crs-nginx-false-positive",
        route=(*CHAIN_A, "django"),
        steps=(
            curl(
                *("https://shop.example.test/checkout/", "-H", "Content-Type: application/json", "-d"),
                '{"note": "In SQL, write SELECT name FROM users; DROP TABLE is another story; cat /etc/passwd"}',
            ),
        ),
        proof=_audit(932160),
        story="An honest note about SQL in a shop's order.\n"
        "The Core Rule Set takes it for an attack: a false positive.",
        curated=True,
    ),
    _nginx(
        name="crs-nginx-extension",
        route=_TO_NGINX,
        steps=(curl(f"{_S}/backup/site.sql"),),
        proof=_audit(920440),
        accept=Accept(products=_ALSO_NGINX, causes=(Cause.PATH_DENIED,), layers=(Layer.GATEWAY,)),
        story="A file that ends in .sql.\nRule 920440: the extension is restricted by policy.",
    ),
    _nginx(
        name="crs-nginx-method",
        route=_TO_NGINX,
        steps=(curl(f"{_S}/photos/one.txt", "-X", "DELETE"),),
        proof=_audit(911100),
        accept=Accept(products=_ALSO_NGINX, causes=(Cause.METHOD_DENIED,), layers=(Layer.GATEWAY,)),
        story="DELETE on a page.\nRule 911100: the method is not allowed by policy.",
    ),
    _nginx(
        name="crs-nginx-content-type",
        route=(*CHAIN_A, "flask"),
        steps=(curl(f"{_A}/comment", "-H", "Content-Type: application/x-java", "-d", "x"),),
        proof=_audit(920420),
        accept=Accept(products=_ALSO_NGINX, causes=(Cause.METHOD_DENIED, Cause.REQUEST_REJECTED)),
        story="A body of a type that policy does not know.\nRule 920420.",
    ),
    _nginx(
        name="waf-nginx-address",
        product="modsecurity",
        cause=Cause.IP_DENIED,
        route=_TO_NGINX,
        steps=(curl(f"{_S}/account/a.html"),),
        conf={
            "modsecurity": 'SecRule REQUEST_URI "@beginsWith /account/" "id:1001,phase:1,deny,status:403,log,'
            'msg:\'address not on the list\',chain"\nSecRule REMOTE_ADDR "!@ipMatch 10.0.0.0/8" "t:none"'
        },
        proof=_audit(1001),
        accept=Accept(products=_ALSO_NGINX, layers=(Layer.GATEWAY,), causes=(Cause.WAF_RULE, Cause.PATH_DENIED)),
        told_by="logs",
        story="Accounts may be read from 10.0.0.0/8 only.\nA rule of the firewall refuses the address.",
    ),
    _nginx(
        name="waf-nginx-location",
        layer=Layer.GATEWAY,
        product="nginx",
        cause=Cause.PATH_DENIED,
        route=_TO_NGINX,
        steps=(curl(f"{_S}/wp-login.php"),),
        conf={"waf": "location = /wp-login.php { return 403; }"},
        proof=Proof("waf", "access.log", r"GET /wp-login.php HTTP/1.1. 403"),
        accept=Accept(layers=(Layer.WAF,), causes=(Cause.WAF_RULE,)),
        story="A log-in page that does not exist here is guessed.\nThe reverse proxy's own location returns 403.",
    ),
    _nginx(
        name="waf-nginx-406",
        status=406,
        route=_TO_NGINX,
        steps=(curl(f"{_S}/shell.html?x=lab-trigger-406"),),
        conf={
            "modsecurity": 'SecRule ARGS "@contains lab-trigger-406" '
            "\"id:1002,phase:2,deny,status:406,log,msg:'shell'\""
        },
        proof=_audit(1002),
        denial=False,
        story="A firewall rule with a status of its own.\n406 Not Acceptable.",
    ),
)

_TO_APACHE = (*CHAIN_B, "apache")
_F = "https://files.example.test"
_APACHE = (
    _apache(
        name="crs-apache-sqli",
        route=_TO_APACHE,
        steps=(curl(f"{_F}/list?id=1%27%20OR%20%271%27=%271%20UNION%20SELECT%20password%20FROM%20users--"),),
        proof=_error(942100),
        story="SQL in the query, through Traffic Server and Apache.\nThe Core Rule Set in Apache blocks it.",
        curated=True,
    ),
    _apache(
        name="crs-apache-xss",
        route=(*CHAIN_B, "flask"),
        steps=(curl(f"{_A}/search?q=%3Cscript%3Ealert(1)%3C/script%3E"),),
        proof=_error(941100),
        story="A script in the query.\nRule 941100.",
    ),
    _apache(
        name="crs-apache-header",
        route=(*CHAIN_B, "flask"),
        steps=(curl(f"{_A}/note", "-A", "() { :; }; /bin/cat /etc/passwd"),),
        proof=_error(932170),
        story="A shell function in the User-Agent, as of Shellshock.\nRule 932170.",
    ),
    _apache(
        name="crs-apache-leak",
        route=(*CHAIN_B, "flask"),
        steps=(curl(f"{_A}/leak"),),
        conf={
            "modsecurity": 'SecRule RESPONSE_BODY "@contains your MySQL server version" "id:1003,phase:4,deny,'
            "status:403,log,msg:'database error'\""
        },
        proof=_error(1003),
        accept=Accept(products=_ALSO_APACHE, causes=(Cause.CONFIG_ERROR,)),
        story="The application answers 200 with a database error in the page.\n"
        "The firewall reads answers too and turns it into a 403.",
        curated=True,
    ),
    _apache(
        name="waf-apache-rewrite",
        layer=Layer.GATEWAY,
        product="apache",
        cause=Cause.CLIENT_DENIED,
        route=_TO_APACHE,
        steps=(curl(f"{_F}/burst.txt?fetch", "-A", "EvilFetcher/2"),),
        files={"apache:burst.txt": "burst\n"},
        conf={
            "waf-apache": '<Location "/">\n    SetEnvIf User-Agent EvilFetcher lab_evil\n    <RequireAll>\n'
            "        Require all granted\n        Require not env lab_evil\n    </RequireAll>\n</Location>"
        },
        proof=Proof("waf-apache", "error.log", r"AH01630: client denied by server configuration: "),
        accept=Accept(layers=(Layer.WAF,), causes=(Cause.WAF_RULE,)),
        story="A client is refused for its name at the reverse proxy before the gateway.\nApache: Require not env.",
    ),
    _apache(
        name="evasive-apache-rate",
        product="mod-evasive",
        cause=Cause.RATE_LIMITED,
        route=_TO_APACHE,
        steps=(curl(f"{_F}/burst.txt?0", *(f"{_F}/burst.txt?{n}" for n in range(1, 8))), curl(f"{_F}/burst.txt?9")),
        files={"apache:burst.txt": "burst\n"},
        conf={"waf-apache": "DOSPageCount 4\nDOSPageInterval 2\nDOSSiteCount 200\nDOSBlockingPeriod 2\nDOSLogDir /tmp"},
        proof=Proof("waf-apache", "error.log", r"client denied by server configuration"),
        accept=Accept(
            products=("apache", "httpd", "modsecurity"),
            layers=(Layer.GATEWAY,),
            causes=(Cause.WAF_RULE, Cause.PATH_DENIED),
        ),
        story="The same page nine times in a second.\nmod_evasive in the firewall's Apache: 403 for a while.",
    ),
)

_CHALLENGE = (
    Case(
        name="edge-challenge",
        layer=Layer.WAF,
        product="varnish",
        cause=Cause.BOT_CHALLENGE,
        status=403,
        hop="varnish",
        route=("varnish", "flask"),
        steps=(curl("http://app.example.test/guarded/page"),),
        conf={
            "varnish:recv": '    if (req.url ~ "^/guarded/" && req.http.Cookie !~ "human=yes") '
            '{ return (synth(403, "challenge")); }',
            "varnish:synth": '    if (resp.reason == "challenge") {\n'
            '        set resp.http.Content-Type = "text/html";\n        set resp.http.Cache-Control = "no-store";\n'
            '        synthetic({"<!doctype html><title>Just a moment</title><p>Checking your browser before you enter. '
            "Please enable JavaScript and cookies.</p><script>document.cookie='human=yes;path=/';"
            'location.reload()</script>"});\n        return (deliver);\n    }',
        },
        proof=Proof("varnishlog", "output.log", r"RespReason +challenge$"),
        accept=Accept(layers=(Layer.CDN,)),
        story="A script that no plain client runs stands before the page.\nThe edge answers 403 with a challenge.",
        curated=True,
    ),
)

CASES: tuple[Case, ...] = (*_NGINX, *_APACHE, *_CHALLENGE)
