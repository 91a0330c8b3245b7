"""Whether a name tells that what it names is secret."""

from __future__ import annotations

import re
from urllib.parse import unquote_plus

from .rules import JSON_NAME, NAME, TOKEN, WEAK_NAME

_WHOLE = frozenset(("pass", "pwd", "pw", "pin", "code_verifier"))
"""names that hold a secret, but are too short to look for inside others"""
_KEPT = 4096
"""names come again and again"""


class Names:
    """The rules for names; `own` are the user's."""

    def __init__(self, own: re.Pattern[str] | None = None) -> None:
        self.own = own
        self._parameters: dict[str, bool] = {}
        self._members: dict[str, str] = {}

    def is_parameter(self, name: str) -> bool:
        """A query parameter or form field of this name holds a secret."""
        known = self._parameters.get(name)
        if known is None:
            if len(self._parameters) > _KEPT:
                self._parameters.clear()
            known = self._parameters[name] = self._is_parameter(unquote_plus(name))
        return known

    def _is_parameter(self, name: str) -> bool:
        return bool(NAME.search(name) or JSON_NAME.search(name) or (self.own and self.own.search(name)))

    def is_member(self, name: str, value: str) -> bool:
        """A JSON member, element or assignment of this name and value is a secret."""
        sort = self.may_be(name)
        return sort == "secret" or (sort == "weak" and TOKEN.fullmatch(value) is not None)

    def may_be(self, name: str) -> str:
        """`secret` for names of members that hold one, `weak` where the value must look like one, else nothing."""
        sort = self._members.get(name)
        if sort is None:
            if len(self._members) > _KEPT:
                self._members.clear()
            sort = self._members[name] = self._sort(name)
        return sort

    def _sort(self, name: str) -> str:
        if name.endswith("_type"):
            return ""
        if name.lower() in _WHOLE or JSON_NAME.search(name) or (self.own and self.own.search(name)):
            return "secret"
        return "weak" if WEAK_NAME.search(name) else ""
