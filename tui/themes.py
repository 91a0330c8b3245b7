"""Four looks: dark, light, high contrast, no colour. Each names the same styles; text elsewhere uses only these names.

Colour is never the only sign: what a style says is also said by a word or a character beside it.
"""

from __future__ import annotations

from typing import NamedTuple

from rich.theme import Theme as Styles
from textual.theme import Theme

from tracer.model.verdict import Layer


class Look(NamedTuple):
    title: str
    theme: Theme
    styles: Styles
    colour: bool = True


NAMES = (
    "faint", "title", "name", "denied", "fault", "redirect", "ok", "note", "warn", "strong", "link", "accused", "mark",
    "added", "removed", "changed", "found", "key", "chosen", "string", "number", "word",
    "connect", "tls", "send", "wait", "receive", "cursor", "cursor.away",
    *(f"layer.{layer}" for layer in Layer),
)  # fmt: skip
"""every style there is"""

_DARK = {
    "faint": "#8b93a7", "title": "bold #e6e9f2", "name": "#7fc8f8", "denied": "bold #ff6b7f", "fault": "bold #e58cff",
    "redirect": "#f2c55c", "ok": "#7bd88f", "note": "italic #8b93a7", "warn": "#f2c55c", "strong": "bold #ffffff",
    "link": "underline #9db8ff", "accused": "bold #ff6b7f", "mark": "bold #ffd866", "added": "#7bd88f",
    "removed": "#ff6b7f", "changed": "#f2c55c", "found": "bold #14161c on #ffd866", "string": "#a8d99c",
    "number": "#f7b787", "word": "#c3a6ff", "cursor": "bold on #33415f", "cursor.away": "on #262d3d",
    "key": "bold #9db8ff", "chosen": "bold #14161c on #9db8ff",
    "connect": "#f7a35c", "tls": "#c792ea", "send": "#7fc8f8", "wait": "#6b7690", "receive": "#5aa7ff",
    "layer.client": "#7fc8f8", "layer.forward-proxy": "#e58cff", "layer.cdn": "#6ea8ff", "layer.waf": "#ff8fa0",
    "layer.gateway": "#f2c55c", "layer.origin": "#7bd88f", "layer.app": "#5fd7d7", "layer.unknown": "#8b93a7",
}  # fmt: skip
_LIGHT = {
    "faint": "#5d6472", "title": "bold #14161c", "name": "#00588f", "denied": "bold #b3001e", "fault": "bold #8a00a8",
    "redirect": "#7a5200", "ok": "#0a6b2d", "note": "italic #5d6472", "warn": "#7a5200", "strong": "bold #000000",
    "link": "underline #1f3fb3", "accused": "bold #b3001e", "mark": "bold #7a5200", "added": "#0a6b2d",
    "removed": "#b3001e", "changed": "#7a5200", "found": "bold #000000 on #ffdf6b", "string": "#2c6415",
    "number": "#8a3b00", "word": "#5b2bb0", "cursor": "bold on #cddcff", "cursor.away": "on #e6ecf8",
    "key": "bold #1f3fb3", "chosen": "bold #ffffff on #1f3fb3",
    "connect": "#a84b00", "tls": "#6f2da8", "send": "#00588f", "wait": "#7d8596", "receive": "#1456c4",
    "layer.client": "#00588f", "layer.forward-proxy": "#8a00a8", "layer.cdn": "#1f3fb3", "layer.waf": "#b3001e",
    "layer.gateway": "#7a5200", "layer.origin": "#0a6b2d", "layer.app": "#00666b", "layer.unknown": "#5d6472",
}  # fmt: skip
_CONTRAST = {
    **dict.fromkeys(NAMES, "#ffffff"),
    "title": "bold underline #ffffff", "name": "bold #5ff4ff", "denied": "bold #ff8585", "fault": "bold #ff9dff",
    "redirect": "bold #ffff00", "ok": "bold #7dff7d", "warn": "bold #ffff00", "strong": "bold #ffffff",
    "link": "bold underline #a8c7ff", "accused": "bold reverse #ff8585", "mark": "bold #ffff00", "added": "#7dff7d",
    "removed": "#ff8585", "changed": "#ffff00", "found": "bold #000000 on #ffff00",
    "connect": "#ffb35c", "tls": "#ff9dff", "send": "#5ff4ff", "receive": "#7db4ff",
    "cursor": "bold underline on #00308f", "cursor.away": "underline on #2a2a2a",
    "key": "bold #ffff00", "chosen": "bold #000000 on #ffff00",
    "layer.waf": "bold #ff8585", "layer.gateway": "bold #ffff00", "layer.origin": "bold #7dff7d",
}  # fmt: skip
_MONO = {
    **dict.fromkeys(NAMES, ""),
    "faint": "dim", "title": "bold", "denied": "bold", "fault": "bold", "note": "italic", "warn": "italic",
    "strong": "bold", "link": "underline", "accused": "bold reverse", "mark": "bold", "added": "bold",
    "removed": "bold", "changed": "underline", "found": "reverse", "wait": "dim",
    "cursor": "reverse", "cursor.away": "underline", "key": "bold", "chosen": "bold reverse",
}  # fmt: skip


def _theme(name: str, dark: bool, background: str, surface: str, foreground: str, accent: str, panel: str) -> Theme:
    return Theme(
        name=name, dark=dark, primary=accent, secondary=accent, accent=accent, foreground=foreground,
        background=background, surface=surface, panel=panel, boost=panel, success=foreground, warning=accent,
        error="#ff6b7f" if dark else "#b3001e",
        variables={"border-blurred": panel, "scrollbar": "#4a5470" if dark else "#a8b2c8", "scrollbar-hover": accent,
                   "scrollbar-active": accent, "scrollbar-background": background,
                   "scrollbar-background-hover": background, "scrollbar-background-active": background},
    )  # fmt: skip


LOOKS = {
    "dark": Look("dark", _theme("tracer-dark", True, "#14161c", "#1a1d25", "#d7dbe6", "#9db8ff", "#262b38"),
                 Styles(_DARK, inherit=True)),
    "light": Look("light", _theme("tracer-light", False, "#fbfbfd", "#ffffff", "#20242e", "#1f3fb3", "#e6e9f2"),
                  Styles(_LIGHT, inherit=True)),
    "contrast": Look("high contrast", _theme("tracer-contrast", True, "#000000", "#000000", "#ffffff", "#ffff00",
                                             "#1c1c1c"), Styles(_CONTRAST, inherit=True)),
    "plain": Look("no colour", _theme("tracer-plain", True, "#000000", "#000000", "#e0e0e0", "#ffffff", "#303030"),
                  Styles(_MONO, inherit=True), colour=False),
}  # fmt: skip
ORDER = tuple(LOOKS)
