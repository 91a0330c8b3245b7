"""Denials by the cache at the edge: Varnish and Traffic Server."""

from functools import partial

from tests.lab.case import CHAIN_A, CHAIN_B, Accept, Case, Proof, curl
from tracer.model.verdict import Cause, Layer

_H, _S = "http://static.example.test", "https://static.example.test"
_varnish = partial(Case, layer=Layer.CDN, product="varnish", status=403, hop="varnish", route=("varnish", "nginx"))
_varnish_a = partial(_varnish, hop="varnish/chain", route=(*CHAIN_A, "nginx"), accept=Accept(hops=("hitch",)))
_ats = partial(Case, layer=Layer.CDN, product="trafficserver", status=403, hop="ats", route=(*CHAIN_B, "apache"))


def _log(text: str) -> Proof:
    """The reason that VCL gave its own answer."""
    return Proof("varnishlog", "output.log", rf"RespReason +{text}$")


def _edge(condition: str, status: int, reason: str) -> dict[str, str]:
    return {"varnish:recv": f'    if ({condition}) {{ return (synth({status}, "{reason}")); }}'}


_VARNISH = (
    _varnish(
        name="varnish-agent",
        cause=Cause.CLIENT_DENIED,
        steps=(curl(f"{_H}/"), curl(f"{_H}/", "-A", "GreedyBot/1")),
        conf=_edge('req.http.User-Agent ~ "GreedyBot"', 403, "Bots are not welcome"),
        proof=_log("Bots are not welcome"),
        story="A bot is refused at the edge, curl is not.\nVarnish's VCL makes the answer itself.",
        curated=True,
    ),
    _varnish_a(
        name="varnish-path-chain-a",
        cause=Cause.PATH_DENIED,
        steps=(curl(f"{_S}/edge-only/a"),),
        conf=_edge('req.url ~ "^/edge-only/"', 403, "Forbidden"),
        proof=_log("Forbidden"),
        story="A path is closed at the edge of the first chain.\nVarnish's own page; nobody behind was asked.",
    ),
    _varnish(
        name="varnish-address",
        cause=Cause.IP_DENIED,
        steps=(curl(f"{_H}/"), curl(f"{_H}/", "blocked")),
        conf=_edge('client.ip ~ blocked && req.url !~ "^/films/"', 403, "Your address is blocked"),
        proof=_log("Your address is blocked"),
        story="One address is refused at the edge.\nVarnish compares it with an acl.",
    ),
    _varnish(
        name="varnish-hotlink",
        cause=Cause.REFERER_DENIED,
        steps=(curl(f"{_H}/media/a.jpg", "-e", "https://elsewhere.test/", "-H", "Accept: image/*"),),
        conf=_edge(
            'req.url ~ "^/media/" && req.http.Referer && req.http.Referer !~ "^https?://static.example.test/"',
            403,
            "Hotlinking not allowed",
        ),
        proof=_log("Hotlinking not allowed"),
        story="A picture in somebody else's page.\nThe edge checks the Referer.",
    ),
    _varnish(
        name="varnish-country",
        cause=Cause.GEO_DENIED,
        steps=(curl(f"{_H}/films/a", "blocked"),),
        conf=_edge('req.url ~ "^/films/" && client.ip ~ unlicensed', 403, "Not available in your country"),
        proof=_log("Not available in your country"),
        story="A stream is not licensed for the country of the client's address.\nThe edge says so.",
    ),
    _varnish(
        name="varnish-method",
        cause=Cause.METHOD_DENIED,
        status=405,
        steps=(curl(f"{_H}/photos/one.txt", "-X", "PATCH"),),
        conf=_edge('req.method == "PATCH"', 405, "Method not allowed"),
        proof=_log("Method not allowed"),
        story="PATCH is refused at the edge.\nVarnish: 405.",
    ),
    _varnish(
        name="varnish-token",
        cause=Cause.CREDENTIALS_MISSING,
        steps=(curl(f"{_H}/paid/a.mp4"),),
        conf=_edge('req.url ~ "^/paid/" && req.url !~ "[?&]token="', 403, "Missing token"),
        proof=_log("Missing token"),
        story="A film is asked for without the token of its page.\nThe edge: Missing token.",
    ),
    _varnish(
        name="varnish-host",
        cause=Cause.HOST_DENIED,
        status=421,
        steps=(curl("http://www.nobody.test/"),),
        conf=_edge('req.http.host !~ "example.test$"', 421, "Misdirected Request"),
        proof=_log("Misdirected Request"),
        story="A name that this edge does not serve.\nVarnish: 421.",
    ),
)

_ATS = (
    _ats(
        name="ats-address",
        cause=Cause.IP_DENIED,
        status=403,
        steps=(curl("https://files.example.test/photos/one.txt", "blocked"),),
        conf={"ats:allow": "  - apply: in\n    ip_addrs: 127.0.0.66\n    action: deny\n    methods: [GET, HEAD]"},
        proof=Proof("ats", "log/access.log", r"127.0.0.66 GET /?photos/one.txt 403"),
        accept=Accept(causes=(Cause.PATH_DENIED, Cause.METHOD_DENIED)),
        story="One address may not read here.\nTraffic Server's ip_allow.",
    ),
    _ats(
        name="ats-method",
        cause=Cause.METHOD_DENIED,
        steps=(curl("https://files.example.test/photos/one.txt", "-X", "PURGE"),),
        conf={"ats:allow": "  - apply: in\n    ip_addrs: 0/0\n    action: deny\n    methods: [PURGE, PUSH]"},
        proof=Proof("ats", "log/access.log", r"PURGE /?photos/one.txt 403"),
        accept=Accept(causes=(Cause.IP_DENIED, Cause.PATH_DENIED)),
        story="PURGE from outside.\nTraffic Server's ip_allow: Access Denied.",
    ),
    _ats(
        name="ats-hotlink",
        cause=Cause.REFERER_DENIED,
        steps=(
            curl("https://files.example.test/media/a.jpg", "-e", "https://elsewhere.test/", "-H", "Accept: image/*"),
        ),
        conf={
            "ats": "map https://files.example.test/media/ https://@waf-apache/https@/media/ "
            "@plugin=header_rewrite.so @pparam=@ats:dir@/etc/hotlink.conf"
        },
        proof=Proof("ats", "log/access.log", r"GET /?media/a.jpg 403"),
        story="A picture in somebody else's page.\nTraffic Server's header_rewrite looks at the Referer.",
    ),
    _ats(
        name="ats-path",
        cause=Cause.PATH_DENIED,
        steps=(curl("https://files.example.test/drafts/a.txt"),),
        conf={
            "ats": "map https://files.example.test/drafts/ https://@waf-apache/https@/drafts/ @action=deny @method=GET"
        },
        proof=Proof("ats", "log/access.log", r"GET /?drafts/a.txt 403"),
        accept=Accept(causes=(Cause.METHOD_DENIED, Cause.IP_DENIED)),
        story="Drafts may not be read from outside.\nTraffic Server's remap rule denies them.",
    ),
)

CASES: tuple[Case, ...] = (*_VARNISH, *_ATS)
