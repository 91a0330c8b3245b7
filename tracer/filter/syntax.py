"""Text -> filter: a recursive-descent parser for mitmproxy's filter expressions.

    expression = alternation+              (side by side: and)
    alternation = conjunction ("|" conjunction)*
    conjunction = negation ("&" negation)*
    negation   = "!" negation | "(" expression ")" | term
    term       = "~" name [argument] | regex          (a regex alone is one over the URL)

A word runs to the next white space, quote, parenthesis or tilde: `a&b` is one regex, `a & b` are two. In quotes a
backslash takes the next character as it is, but `\\t \\n \\f \\r`, octal, `\\x` and `\\u` are what they are in C.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from tracer.store.trace import Where

from .terms import TERMS, Argument, Needs, Term, case

_SPACE = " \n\t\r"
_WORD = re.compile(r"[^()~'\" \n\t\r]+")
_NAME = re.compile(r"~([a-z]+)")
_QUOTED = re.compile(r"\"((?:\\.|[^\"\n\r\\])*)\"|'((?:\\.|[^'\n\r\\])*)'")
_ESCAPE = re.compile(r"\\(?:([tnfr])|([0-7]{3}|0)|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|(.))")
_WHITE = {"t": "\t", "n": "\n", "f": "\f", "r": "\r"}
_DEEPEST = 60


class FilterError(ValueError):
    """The expression cannot be read; `column` counts from 1."""

    def __init__(self, text: str, column: int, expression: str) -> None:
        super().__init__(text)
        self.text, self.column, self.expression = text, column, expression

    def pointed(self) -> str:
        """The expression with a mark under the place, and what is wrong there."""
        line = "".join(c if c.isprintable() else " " for c in self.expression)
        return f"{line}\n{' ' * (self.column - 1)}^ {self.text}"


class Node(NamedTuple):
    """`and`, `or`, `not` over nodes, or `term`."""

    kind: str
    parts: tuple[Node, ...] = ()
    term: Term | None = None
    name: str = ""
    argument: Any = None


class Filter:
    """A filter that was read: call `matches` with a subject."""

    def __init__(self, node: Node, text: str) -> None:
        self.node, self.text = node, text
        self.needs = _needs(node)

    def matches(self, subject: Any) -> bool:
        return _matches(self.node, subject)

    @property
    def where(self) -> Where | None:
        """A condition that every match fulfils, for the database to apply first; None when there is none."""
        sql = _sql(self.node, exact=False)
        return Where(*sql) if sql else None


def parse(text: str) -> Filter:
    """The filter an expression stands for. Raises FilterError."""
    reader = _Reader(text)
    node = reader.expression(0)
    if reader.at < len(text):
        raise reader.error("this parenthesis closes nothing" if text[reader.at] == ")" else "this cannot stand here")
    return Filter(node, text)


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def error(self, text: str, at: int | None = None) -> FilterError:
        return FilterError(text, (self.at if at is None else at) + 1, self.text)

    def skip(self) -> str:
        """The next character that is not white space; empty at the end."""
        while self.at < len(self.text) and self.text[self.at] in _SPACE:
            self.at += 1
        return self.text[self.at : self.at + 1]

    def expression(self, depth: int) -> Node:
        if depth > _DEEPEST:
            raise self.error("too many parentheses")
        parts = [self.alternation(depth)]
        while self.skip() not in ("", ")"):
            parts.append(self.alternation(depth))
        return parts[0] if len(parts) == 1 else Node("and", tuple(parts))

    def alternation(self, depth: int) -> Node:
        parts = [self.conjunction(depth)]
        while self.skip() == "|":
            self.at += 1
            parts.append(self.conjunction(depth))
        return parts[0] if len(parts) == 1 else Node("or", tuple(parts))

    def conjunction(self, depth: int) -> Node:
        parts = [self.negation(depth)]
        while self.skip() == "&":
            self.at += 1
            parts.append(self.negation(depth))
        return parts[0] if len(parts) == 1 else Node("and", tuple(parts))

    def negation(self, depth: int) -> Node:
        times = 0
        while self.skip() == "!":
            self.at += 1
            times += 1
        node = self.atom(depth)
        return Node("not", (node,)) if times % 2 else node

    def atom(self, depth: int) -> Node:
        start, next_one = self.at, self.skip()
        if next_one == "":
            raise self.error("a term is missing here" if self.text.strip() else "the filter is empty")
        if next_one == "(":
            start = self.at
            self.at += 1
            node = self.expression(depth + 1)
            if self.skip() != ")":
                raise self.error("this parenthesis is never closed", start)
            self.at += 1
            return node
        if next_one == "~":
            return self.named()
        start = self.at
        return _term("u", self.word(), start, self)

    def named(self) -> Node:
        start = self.at
        found = _NAME.match(self.text, self.at)
        name = found[1] if found else ""
        if name not in TERMS:
            raise self.error(f"there is no term ~{name}" if name else "a term's name is missing after ~", start)
        self.at += len(name) + 1
        if TERMS[name].argument is Argument.NONE:
            return Node("term", term=TERMS[name], name=name)
        self.skip()
        place = self.at
        if TERMS[name].argument is Argument.NUMBER:
            digits = re.compile(r"[0-9]+").match(self.text, self.at)
            if not digits:
                raise self.error(f"~{name} needs a number")
            self.at = digits.end()
            return Node("term", term=TERMS[name], name=name, argument=int(digits[0][:18]))
        if self.skip() in ("", "(", ")", "~"):
            raise self.error(f"~{name} needs a regular expression")
        return _term(name, self.word(), place, self)

    def word(self) -> str:
        """The word or quoted text at this place."""
        if self.text[self.at] in "\"'":
            quoted = _QUOTED.match(self.text, self.at)
            if not quoted:
                raise self.error("this quote is never closed")
            self.at = quoted.end()
            return _ESCAPE.sub(_unescape, quoted[1] if quoted[1] is not None else quoted[2])
        word = _WORD.match(self.text, self.at)
        if not word:
            raise self.error("a term is missing here")
        self.at = word.end()
        return word[0]


def _unescape(found: re.Match[str]) -> str:
    white, octal, two, four, other = found.groups()
    if white:
        return _WHITE[white]
    if octal:
        return chr(int(octal, 8))
    return chr(int(two or four, 16)) if two or four else str(other)


def _term(name: str, word: str, place: int, reader: _Reader) -> Node:
    term = TERMS[name]
    try:
        source = word.encode("utf-8", "surrogateescape") if term.argument is Argument.BYTES else word
        regex: Any = re.compile(source, term.flags | case())
    except (re.error, RecursionError, OverflowError) as error:
        at = (
            place
            + reader.text.startswith(("'", '"'), place)
            + min(getattr(error, "pos", 0) or 0, max(len(word) - 1, 0))
        )
        raise reader.error(f"not a regular expression: {getattr(error, 'msg', error)}", at) from None
    return Node("term", term=term, name=name, argument=regex)


def _needs(node: Node) -> Needs:
    if node.term is not None:
        return node.term.needs
    return max((_needs(part) for part in node.parts), default=Needs.ROW)


def _matches(node: Node, subject: Any) -> bool:
    if node.term is not None:
        return bool(node.term.test(subject, node.argument))
    if node.kind == "not":
        return not _matches(node.parts[0], subject)
    if node.kind == "and":
        return all(_matches(part, subject) for part in node.parts)
    return any(_matches(part, subject) for part in node.parts)


_SQL = {
    "c": "status IS ?",
    "s": "status IS NOT NULL",
    "q": "status IS NULL",
    "all": "1",
    "http": "1",
    "denied": "denied",
}


def _sql(node: Node, exact: bool) -> tuple[str, tuple[Any, ...]] | None:
    """The node as SQL; with `exact` only when it says just the same, otherwise also when it says less."""
    if node.term is not None:
        if node.name not in _SQL:
            return None
        return _SQL[node.name], (node.argument,) if node.argument is not None else ()
    parts = [_sql(part, exact or node.kind == "not") for part in node.parts]
    known = [part for part in parts if part]
    if not known or (len(known) < len(parts) and (exact or node.kind != "and")):
        return None
    if node.kind == "not":
        return f"NOT ({known[0][0]})", known[0][1]
    joined = f" {node.kind.upper()} ".join(f"({sql})" for sql, _ in known)
    return joined, tuple(value for _, values in known for value in values)
