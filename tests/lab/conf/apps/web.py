"""A web application in Flask."""

from flask import Flask, abort

app = Flask(__name__)


@app.get("/")
def home() -> str:
    return "<h1>App</h1>"


@app.get("/admin")
def admin() -> str:
    app.logger.warning("admin: role is viewer")
    abort(403)
