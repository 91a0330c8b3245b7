"""The user's own rules, from `redact.toml` in tracer's configuration folder.

headers = ["x-internal-user"]          # fields whose value is secret
names = ["iban", "^tax_"]              # parameters, form fields, JSON members: regular expressions
keep = ["x-csrf-token"]                # fields to leave as they are
[[patterns]]
kind = "employee"
pattern = "E[0-9]{6}"
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec

from .rules import Shape

_KIND = re.compile(r"[^a-z0-9-]+")


class UserRules(msgspec.Struct, frozen=True):
    headers: frozenset[str] = frozenset()
    names: re.Pattern[str] | None = None
    keep: frozenset[str] = frozenset()
    shapes: tuple[Shape, ...] = ()


NO_RULES = UserRules()


class BadRules(ValueError):  # noqa: N818
    """The file cannot be used; the message says why. Exporting without it would leak what it was written for."""


def user_rules(path: Path | None = None) -> UserRules:
    """The rules in the file, or none when there is no file. Raises BadRules."""
    if path is None:
        import platformdirs

        path = Path(platformdirs.user_config_dir("tracer", appauthor=False)) / "redact.toml"
    if not path.is_file():
        return NO_RULES
    import tomllib

    try:
        return _rules(tomllib.loads(path.read_text("utf-8")))
    except (OSError, ValueError, TypeError, KeyError, AttributeError, re.error) as error:
        raise BadRules(f"{path}: {error}") from error


def _rules(table: dict[str, Any]) -> UserRules:
    unknown = set(table) - {"headers", "names", "keep", "patterns"}
    if unknown:
        raise ValueError(f"there is no setting {min(unknown)!r}")
    names = [f"(?:{name})" for name in table.get("names", [])]
    return UserRules(
        headers=frozenset(name.lower() for name in table.get("headers", [])),
        names=re.compile("|".join(names), re.IGNORECASE) if names else None,
        keep=frozenset(name.lower() for name in table.get("keep", [])),
        shapes=tuple(
            Shape(_KIND.sub("-", p.get("kind", "own").lower()), re.compile(p["pattern"]).pattern)
            for p in table.get("patterns", [])
        ),
    )
