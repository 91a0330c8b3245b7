# mypy: ignore-errors
"""An identity provider that signs everybody in, and the authorization service that a gateway asks."""

from flask import Flask, Response, jsonify, redirect, request

app = Flask("idp")
authz = Flask("authz")


@app.get("/authorize")
def authorize() -> Response:
    state = request.args.get("state", "")
    if request.args.get("client_id") == "banned":
        app.logger.warning("refused: application banned is not assigned to alice")
        return Response("<h1>403</h1><p>This application is not assigned to you.</p>", 403)
    return redirect(f"{request.args['redirect_uri']}?code=c0de&state={state}")


@authz.route("/", defaults={"rest": ""}, methods=["GET", "POST", "HEAD"])
@authz.route("/<path:rest>", methods=["GET", "POST", "HEAD"])
def check(rest: str) -> Response:
    if request.headers.get("Authorization") == "Bearer approved":
        return Response("", 200)
    authz.logger.warning("denied: /%s policy says no", rest)
    answer = jsonify(decision="deny", reason="policy: team is not allowed")
    answer.status_code = 403
    return answer
