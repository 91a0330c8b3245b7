# mypy: ignore-errors
"""A web application in Flask. Every refusal is decided from its data and logs one line that says why."""

import gzip
import hashlib
import hmac
import os
import secrets
import time

import jwt
from flask import Flask, Response, abort, g, jsonify, redirect, request, session

app = Flask(__name__)
app.secret_key = "not a secret outside the lab"
USERS = {
    "k-alice": {"name": "alice", "role": "viewer", "plan": "free", "state": "active", "quota": 2, "terms": True},
    "k-bob": {"name": "bob", "role": "admin", "plan": "pro", "state": "active", "quota": 99, "terms": True},
    "k-carol": {"name": "carol", "role": "viewer", "plan": "pro", "state": "suspended", "quota": 9, "terms": True},
    "k-dave": {"name": "dave", "role": "viewer", "plan": "pro", "state": "active", "quota": 9, "terms": False},
}
REVOKED = {"k-old"}
ORDERS = {7: "alice", 8: "bob"}
SECRETS = {"hers": "alice", "his": "bob"}
UNLICENSED = {"KP"}
OFFICE = {"127.0.0.10"}
_SIGNING = b"lab signing key"
used: dict[str, int] = {}


def refuse(status: int, code: str, why: str, **headers: str) -> None:
    app.logger.warning("refused %s: %s", request.path, why)
    answer = jsonify(error=code, message=why)
    answer.status_code = status
    answer.headers.update(headers)
    abort(answer)


def user() -> dict:
    key = request.headers.get("X-Api-Key") or request.args.get("api_key")
    if not key:
        refuse(401, "missing_api_key", "No API key was sent", **{"WWW-Authenticate": "ApiKey"})
    if key in REVOKED:
        refuse(403, "revoked_api_key", "This API key has been revoked")
    if key not in USERS:
        refuse(403, "invalid_api_key", "Invalid API key")
    g.user = USERS[key]
    if g.user["state"] == "suspended":
        refuse(403, "account_suspended", "Your account is suspended. Contact support.")
    return g.user


@app.get("/")
def home() -> str:
    return "<h1>App</h1>"


@app.get("/admin")
def admin() -> str:
    """Nobody is signed in here, and only an admin may look."""
    if session.get("role") != "admin":
        app.logger.warning("refused /admin: viewer is not admin")
        abort(403)
    return "<h1>Admin</h1>"


@app.get("/api/me")
def me() -> Response:
    return jsonify(name=user()["name"])


@app.get("/api/users")
def users() -> Response:
    if user()["role"] != "admin":
        refuse(403, "insufficient_role", "Role admin is required; you have viewer")
    return jsonify([u["name"] for u in USERS.values()])


@app.get("/api/orders/<int:number>")
def order(number: int) -> Response:
    if ORDERS.get(number) != user()["name"]:
        refuse(403, "not_owner", f"Order {number} belongs to another user")
    return jsonify(number=number)


@app.get("/api/export")
def export() -> Response:
    if user()["plan"] == "free":
        refuse(403, "plan_required", "Export is not included in your plan. Upgrade to Pro.")
    return jsonify(ok=True)


@app.get("/api/report")
def report() -> Response:
    who = user()
    used[who["name"]] = used.get(who["name"], 0) + 1
    if used[who["name"]] > who["quota"]:
        refuse(403, "quota_exceeded", f"Monthly quota of {who['quota']} reports exceeded. Resets on the 1st.")
    return jsonify(report=used[who["name"]])


@app.get("/api/beta")
def beta() -> Response:
    if not user()["terms"]:
        refuse(403, "terms_not_accepted", "You must accept the terms of use before you use this API")
    return jsonify(ok=True)


@app.get("/api/secret/<name>")
def secret(name: str) -> Response:
    if SECRETS.get(name) != user()["name"]:
        refuse(403, "forbidden", "Resource does not exist or you do not have access to it")
    return jsonify(name=name)


@app.get("/api/signed")
def signed() -> Response:
    """X-Date and X-Signature over method, path and date."""
    date, given = request.headers.get("X-Date", "0"), request.headers.get("X-Signature", "")
    if abs(time.time() - int(date)) > 300:
        refuse(403, "RequestTimeTooSkewed", "The difference between the request time and ours is too large")
    text = f"{request.method}\n{request.path}\n{date}".encode()
    if not hmac.compare_digest(hmac.new(_SIGNING, text, hashlib.sha256).hexdigest(), given):
        refuse(403, "SignatureDoesNotMatch", "The request signature we calculated does not match the one you sent")
    return jsonify(ok=True)


@app.get("/download/<name>")
def download(name: str) -> Response:
    """A link with an end: ?expires=…&sig=…"""
    expires = request.args.get("expires", "0")
    text = f"{name}\n{expires}".encode()
    if not hmac.compare_digest(hmac.new(_SIGNING, text, hashlib.sha256).hexdigest(), request.args.get("sig", "")):
        refuse(403, "bad_signature", "This link's signature is not valid")
    if int(expires) < time.time():
        refuse(403, "link_expired", "This link has expired. Ask for a new one.")
    return Response("content")


@app.get("/api/token/profile")
def profile() -> Response:
    """A bearer token, checked by PyJWT."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    challenge = {"WWW-Authenticate": 'Bearer realm="app"'}
    if kind != "Bearer":
        refuse(401, "missing_token", "No bearer token in the request", **challenge)
    try:
        claims = jwt.decode(token, os.environ["LAB_JWT"], ["HS256"], audience="api", issuer="https://id.example.test/")
    except jwt.ExpiredSignatureError:
        challenge["WWW-Authenticate"] += ', error="invalid_token", error_description="The token expired"'
        refuse(401, "invalid_token", "The token expired", **challenge)
    except jwt.InvalidTokenError as problem:
        challenge["WWW-Authenticate"] += ', error="invalid_token"'
        refuse(401, "invalid_token", str(problem), **challenge)
    if "write" not in claims["scope"].split() and request.args.get("write"):
        challenge["WWW-Authenticate"] += ', error="insufficient_scope", scope="write"'
        refuse(403, "insufficient_scope", "Scope write is needed", **challenge)
    return jsonify(sub=claims["sub"])


@app.get("/old-session")
def old_session() -> Response:
    """A session cookie of before; the answer clears it."""
    if request.cookies.get("sid"):
        answer = Response("<h1>Session expired</h1><p>Your session has expired. Please sign in again.</p>", 403)
        answer.delete_cookie("sid")
        app.logger.warning("refused /old-session: session is over")
        return answer
    return Response("welcome, guest")


@app.get("/region")
def region() -> Response:
    country = request.headers.get("X-Country", "XX")
    if country not in UNLICENSED:
        return Response("<p>film</p>")
    app.logger.warning("refused /region: not licensed for %s", country)
    return Response("<p>This content is not available in your country.</p>", 451)


@app.get("/client")
def client() -> Response:
    version = request.headers.get("User-Agent", "").partition("/")[2]
    if version < "3":
        refuse(403, "client_too_old", "This version of the app is no longer supported. Please update to 3.0.")
    return jsonify(ok=True)


@app.route("/api/things", methods=["GET"])
def things() -> Response:
    return jsonify([])


@app.post("/api/upload")
def upload() -> Response:
    if "X-Requested-With" not in request.headers:
        refuse(403, "header_required", "Header X-Requested-With is required")
    return jsonify(ok=True)


@app.route("/submit", methods=["GET", "POST"])
def submit() -> Response:
    if request.method != "POST" or not request.get_data():
        app.logger.warning("refused /submit: %s without a body", request.method)
        return Response("<h1>Forbidden</h1><p>Only POST may submit.</p>", 403)
    return Response("submitted")


@app.route("/moved/<int:status>", methods=["GET", "POST"])
def moved(status: int) -> Response:
    return redirect("/submit", status)


@app.get("/to-api")
def to_api() -> Response:
    return redirect("https://api.example.test/private", 302)


@app.get("/to-items")
def to_items() -> Response:
    return redirect("https://api.example.test/items", 302)


@app.get("/office")
def office() -> Response:
    address = request.headers.get("X-Forwarded-For", request.remote_addr)
    if address not in OFFICE:
        refuse(403, "ip_not_allowed", f"Your IP address {address} is not on the allow list of this organisation")
    return jsonify(ok=True)


@app.get("/sign-in/<how>")
def sign_in(how: str) -> Response:
    """Sets the session's cookie with one attribute that may keep it from coming back (RFC 6265 section 5.4)."""
    answer = Response("<p>signed in</p>")
    path = "/sign-in" if how == "path" else "/"
    answer.set_cookie(
        "member", "alice", path=path, secure=how == "secure", samesite="Strict" if how == "site" else None
    )
    if away := request.args.get("then"):
        answer.set_data(f"<script>location = {away!r}</script>")
    return answer


@app.route("/members-only", methods=["GET", "POST"])
def members_only() -> Response:
    if request.cookies.get("member") != "alice":
        refuse(403, "not_signed_in", "You are not signed in: no session cookie came with the request")
    return jsonify(ok=True)


@app.get("/beta-page")
def beta_page() -> Response:
    if "new-editor" not in user().get("flags", ()):
        refuse(403, "feature_disabled", "The feature new-editor is not enabled for your account")
    return jsonify(ok=True)


@app.get("/slow")
def slow() -> Response:
    time.sleep(3)
    return Response("at last")


@app.get("/packed")
def packed() -> Response:
    app.logger.warning("refused /packed: no role")
    body = gzip.compress(b"<h1>Forbidden</h1><p>You do not have permission: missing role editor.</p>" * 3)
    return Response(body, 403, {"Content-Encoding": "gzip", "Content-Type": "text/html"})


@app.get("/streamed")
def streamed() -> Response:
    app.logger.warning("refused /streamed: no role")
    return Response((f"<p>{n}: your role may not see this.</p>" for n in range(3)), 403)


@app.get("/closed")
def closed() -> Response:
    app.logger.warning("refused /closed: maintenance")
    return Response("<h1>Down for maintenance</h1><p>Scheduled maintenance until 18:00.</p>", 403)


@app.get("/retried/flaky")
def flaky() -> Response:
    """Every other time."""
    used["flaky"] = used.get("flaky", 0) + 1
    if used["flaky"] % 2:
        app.logger.warning("refused /retried/flaky: replica not ready")
        return Response("Forbidden", 403)
    return Response("fine")


@app.get("/retried/thing")
def retried() -> Response:
    app.logger.warning("refused /retried/thing: role viewer")
    return Response("Forbidden: role viewer may not", 403, {"Content-Type": "text/plain"})


@app.get("/account")
def account() -> Response:
    if "who" not in session:
        session["state"] = secrets.token_hex(8)
        back = "https://app.example.test/callback"
        return redirect(f"https://id.example.test/authorize?client_id=app&state={session['state']}&redirect_uri={back}")
    if USERS["k-alice"]["role"] != "admin":
        app.logger.warning("refused /account: alice is viewer")
        return Response("<h1>403</h1><p>Signed in as alice, but your role viewer may not see this page.</p>", 403)
    return Response("account")


@app.get("/callback")
def callback() -> Response:
    if request.args.get("state") != session.get("state"):
        app.logger.warning("refused /callback: state mismatch")
        return Response("<h1>403</h1><p>Invalid OAuth state. Please start the sign-in again.</p>", 403)
    session["who"] = "alice"
    return redirect("/account")


@app.get("/loop")
def loop() -> Response:
    """The session cookie is for another path, so the log-in never sticks."""
    if request.cookies.get("member") != "yes":
        return redirect("/login?next=/loop")
    return Response("in")


@app.get("/login")
def login() -> Response:
    answer = redirect("/loop")
    if request.args.get("tries"):
        answer = Response("too many tries", 403)
    answer.set_cookie("member", "yes", path="/login")
    return answer


@app.before_request
def live() -> Response | None:
    """Before routing: a rule for plain requests does not match an upgrade."""
    if request.path != "/live":
        return None
    if request.headers.get("Origin") != "https://app.example.test":
        app.logger.warning("refused /live: origin %s", request.headers.get("Origin"))
        return Response("origin not allowed", 403)
    return Response("upgrade required", 426)


@app.get("/leak")
def leak() -> Response:
    """A database error in the page; a firewall that reads answers stops it."""
    return Response(
        "You have an error in your SQL syntax; check the manual that corresponds to your MySQL server version"
    )


@app.get("/<path:rest>")
def anything(rest: str) -> Response:
    return Response(f"page {rest}\n", 200, {"Content-Type": "text/plain"})


@app.post("/<path:rest>")
def anything_posted(rest: str) -> Response:
    return Response("ok\n")
