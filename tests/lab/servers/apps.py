"""Applications on real WSGI and ASGI servers, and moto for the answers of an object store."""

from collections.abc import Callable

from tests.lab.server import CONF, Lab, Server

_APPS = str(CONF / "apps")


def _nothing(lab: Lab, server: Server) -> None:
    lab.folder(server.name).chmod(0o777)


def _gunicorn(module: str) -> Callable[[Lab, Server], list[str]]:
    def command(lab: Lab, server: Server) -> list[str]:
        ip, port = server.listen["http"]
        options = ["-w", "1", "--threads", "4", "--access-logfile", "-", "--worker-tmp-dir", "/dev/shm"]
        return [str(server.path), "-b", f"{ip}:{port}", "--chdir", _APPS, *options, module]

    return command


def _moto(lab: Lab, server: Server) -> list[str]:
    ip, port = server.listen["http"]
    return [str(server.path), "-H", ip, "-p", str(port)]


def _uvicorn(lab: Lab, server: Server) -> list[str]:
    ip, port = server.listen["http"]
    return [str(server.path), "--host", ip, "--port", str(port), "--app-dir", _APPS, "api:app"]


_PYTHON = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}

DJANGO = Server(
    name="django",
    listen={"http": ("127.0.5.1", 80)},
    program="gunicorn",
    package="pip",
    files=_nothing,
    command=_gunicorn("shop:application"),
    env=_PYTHON,
)
FLASK = Server(
    name="flask",
    listen={"http": ("127.0.5.2", 80)},
    program="gunicorn",
    package="pip",
    files=_nothing,
    command=_gunicorn("web:app"),
    env=_PYTHON | {"LAB_JWT": "@jwt-secret@"},
)
FASTAPI = Server(
    name="fastapi",
    listen={"http": ("127.0.5.3", 80)},
    program="uvicorn",
    package="pip",
    files=_nothing,
    command=_uvicorn,
    env=_PYTHON | {"LAB_JWT": "@jwt-secret@"},
)
MOTO = Server(
    name="moto",
    listen={"http": ("127.0.5.4", 80)},
    program="moto_server",
    package="pip",
    files=_nothing,
    command=_moto,
    env=_PYTHON | {"S3_IGNORE_SUBDOMAIN_BUCKETNAME": "true", "INITIAL_NO_AUTH_ACTION_COUNT": "1000"},
)

GRPC = Server(
    name="grpc",
    listen={"http": ("127.0.5.5", 80)},
    program="python",
    package="pip",
    files=_nothing,
    command=lambda lab, server: [str(server.path), f"{_APPS}/orders.py", *map(str, server.listen["http"])],
    env=_PYTHON,
)

IDP = Server(
    name="idp",
    listen={"https": ("127.0.7.2", 443)},
    program="gunicorn",
    package="pip",
    files=_nothing,
    command=lambda lab, server: [
        *(str(server.path), "-b", "127.0.7.2:443", "--chdir", _APPS, "-w", "1", "--worker-tmp-dir", "/dev/shm"),
        *("--certfile", str(lab.pki / "server.pem"), "--keyfile", str(lab.pki / "server.key"), "idp:app"),
    ],
    env=_PYTHON | {"SSLKEYLOGFILE": "@keys@/idp.log"},
)
AUTHZ = Server(
    name="authz",
    listen={"http": ("127.0.7.1", 80)},
    program="gunicorn",
    package="pip",
    files=_nothing,
    command=_gunicorn("idp:authz"),
    env=_PYTHON,
)
