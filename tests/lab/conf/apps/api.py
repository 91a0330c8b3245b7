# mypy: ignore-errors
# ruff: noqa: B008
"""An API in FastAPI: bearer tokens with scopes, an API key, CORS, a WebSocket that looks at the origin."""

import logging
import os

import jwt
from fastapi import Depends, FastAPI, HTTPException, Request, Security, WebSocket
from fastapi.middleware.cors import CORSMiddleware
from fastapi.security import APIKeyHeader, HTTPBearer, OAuth2PasswordBearer, SecurityScopes

app = FastAPI()
app.add_middleware(CORSMiddleware, allow_origins=["https://app.example.test"], allow_methods=["GET"])
log = logging.getLogger("uvicorn.error")
bearer = HTTPBearer()
key = APIKeyHeader(name="X-Key")
scheme = OAuth2PasswordBearer("token", scopes={"read": "read", "write": "write"})


def caller(scopes: SecurityScopes, token: str = Depends(scheme)) -> dict:
    challenge = {"WWW-Authenticate": f'Bearer scope="{scopes.scope_str}"'}
    try:
        claims = jwt.decode(token, os.environ["LAB_JWT"], ["HS256"], audience="api")
    except jwt.InvalidTokenError as problem:
        log.warning("token: %s", problem)
        raise HTTPException(401, f"Could not validate credentials: {problem}", challenge) from None
    missing = [s for s in scopes.scopes if s not in claims["scope"].split()]
    if missing:
        log.warning("scope missing: %s", missing)
        raise HTTPException(403, "Not enough permissions", challenge)
    return claims


@app.get("/")
def home() -> dict:
    return {"api": 1}


@app.get("/private")
def private(given=Depends(bearer)) -> dict:
    return {"ok": True}


@app.get("/keyed")
def keyed(given: str = Depends(key)) -> dict:
    if given != "sesame":
        log.warning("wrong key")
        raise HTTPException(403, "Invalid API key")
    return {"ok": True}


@app.get("/items")
def items(who: dict = Security(caller, scopes=["read"])) -> list:
    return []


@app.get("/items/new")
def new_item(who: dict = Security(caller, scopes=["write"])) -> dict:
    return {"ok": True}


@app.websocket("/ws")
async def ws(socket: WebSocket) -> None:
    if socket.headers.get("origin") != "https://app.example.test":
        log.warning("websocket refused: origin %s", socket.headers.get("origin"))
        await socket.close(4403)
        return
    await socket.accept()
    await socket.send_text("hello")
    await socket.close()


@app.get("/{rest:path}")
def anything(rest: str, request: Request) -> dict:
    return {"page": rest}
