"""JSON Web Tokens that the lab's clients carry: one good, the others each wrong in one way (RFC 7519)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time

_SECRET = b"a key of the lab, thirty-two bytes or more"


def _part(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def jwks() -> str:
    key = {"kty": "oct", "alg": "HS256", "kid": "lab", "k": _part(_SECRET)}
    return json.dumps({"keys": [key]})


def token(secret: bytes = _SECRET, **claims: object) -> str:
    now = int(time.time())
    content = {"iss": "https://id.example.test/", "aud": "api", "sub": "alice", "scope": "read", "iat": now - 60}
    content |= {"exp": now + 3600} | claims
    head = _part(json.dumps({"alg": "HS256", "typ": "JWT", "kid": "lab"}).encode())
    signed = f"{head}.{_part(json.dumps(content).encode())}"
    return f"{signed}.{_part(hmac.new(secret, signed.encode(), hashlib.sha256).digest())}"


def values() -> dict[str, str]:
    """@token:good@ and so on, and the key set that proves them."""
    now = int(time.time())
    return {
        "jwks": jwks(),
        "jwt-secret": _SECRET.decode(),
        "token:good": token(),
        "token:expired": token(exp=now - 7200, iat=now - 10800),
        "token:audience": token(aud="billing"),
        "token:issuer": token(iss="https://elsewhere.example.test/"),
        "token:forged": token(b"another key altogether, also long enough"),
        "token:early": token(nbf=now + 900, iat=now + 900),
        "token:write": token(scope="read write"),
    }
