"""Every command: its name, where it is, one line of help. Nothing of it is imported before it is asked for."""

from __future__ import annotations

from typing import NamedTuple


class Command(NamedTuple):
    name: str
    function: str
    """module:attribute, relative to this package"""
    help: str


COMMANDS = (
    Command("explain", "explain:command", "Which hop said no, and why."),
    Command("open", "open:command", "Look around in the terminal interface."),
    Command("list", "list:command", "Exchanges, one line each."),
    Command("show", "show:command", "One exchange in full: messages, TLS, chain, hops, packets."),
    Command("export", "export:command", "Write HAR, HTML, JSON, pcapng, curl and more; secrets redacted."),
    Command("replay", "replay:command", "Send a recorded request again, as it was or changed; compare the answers."),
    Command("bisect", "bisect:command", "Find what in a denied request is forbidden, or missing."),
    Command("proxy", "proxy:command", "A recording proxy with live verdicts."),
    Command("run", "run:command", "Run a program through the recording proxy."),
    Command("browse", "browse:command", "Open a browser with a throw-away profile through the proxy."),
    Command("capture", "capture:command", "Capture packets, with live verdicts."),
    Command("verify", "verify:command", "Read a capture with tshark too; every disagreement."),
    Command("doctor", "doctor:command", "What is installed, what is missing for which feature."),
    Command("completion", "completion:command", "Shell completion for bash, zsh or fish."),
)
