"""Packets as they pass: dumpcap or tcpdump (or scapy) writes them, a thread keeps a copy and hands them on.

Who may capture: root, or a program that was given the right. dumpcap is made for that (a group may run it), so it is
tried first.
"""

from __future__ import annotations

import os
import re
import select
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, BinaryIO

from .ring import Ring

MORE = (
    "That needs a right. On Linux, one of: run it as root (sudo tracer capture …); put yourself into the group "
    "that may run dumpcap (sudo dpkg-reconfigure wireshark-common; sudo usermod -aG wireshark $USER; log in again); "
    "or give the right to dumpcap (sudo setcap cap_net_raw,cap_net_admin+eip $(command -v dumpcap)). "
    "In a container even root lacks it unless it was given CAP_NET_RAW. On macOS: install Wireshark's ChmodBPF."
)
_ABSENT = re.compile(r"no device named|no such device|interface '.*' not found", re.IGNORECASE)
_GRAMMAR = re.compile(
    r"((?:can't parse filter expression|syntax error|illegal token|unknown (?:host|port|network|protocol)|expression "
    r"rejects all packets).*?)(?=\)|\. |$)",
    re.IGNORECASE,
)
"""what libpcap says of a filter (pcap_compile(3PCAP))"""
_FORBIDDEN = re.compile(r"permission|not permitted|CAP_NET_RAW", re.IGNORECASE)
_PIECE = 1 << 16
_SCAPY = """
import sys
from scapy.all import PcapWriter, conf, sniff
listener = conf.L2listen(iface=sys.argv[1], filter=sys.argv[2] or None)
out = PcapWriter(sys.stdout.buffer, linktype=conf.l2types.layer2num.get(listener.LL, 1), sync=True)
out.write_header(None)
sys.stdout.buffer.flush()
sniff(opened_socket=listener, prn=out.write, store=False)
"""
_START = 15.0
"""seconds within which a program has to say what it captures"""


class CaptureError(Exception):
    """Nothing can be captured; the message says why and what helps."""


def tools(interface: str, expression: str, snaplen: int) -> list[list[str]]:
    """Commands that write packets of `interface` to standard output, the best first."""
    found: list[list[str]] = []
    if path := shutil.which("dumpcap"):
        words = [path, "-q", "-i", interface, "-w", "-", "-s", str(snaplen)]
        found.append([*words, "-f", expression] if expression else words)
    if path := shutil.which("tcpdump"):
        words = [path, "-i", interface, "-w", "-", "-U", "--immediate-mode", "-n", "-s", str(snaplen)]
        found.append([*words, "--", expression] if expression else words)
    try:
        from importlib.util import find_spec

        if find_spec("scapy") is not None:
            found.append([sys.executable, "-c", _SCAPY, interface, expression])
    except ValueError:
        pass
    return found


class Packets:
    """A running capture. `stream` is where its bytes come out; `keep` gets a copy of them."""

    def __init__(self, interface: str, expression: str, snaplen: int = 262144, keep: Ring | None = None) -> None:
        self._keep = keep
        self._interface, self._expression = interface, expression
        self._said: list[str] = []
        self.failed: str | None = None
        """why the copy could not be kept"""
        self._process, first = self._begin(tools(interface, expression, snaplen))
        read, write = os.pipe()
        self.stream: BinaryIO = os.fdopen(read, "rb", buffering=0)
        self._out = os.fdopen(write, "wb", buffering=0)
        self._copier = threading.Thread(target=self._copy, args=(first,), name="tracer-packets", daemon=True)
        self._copier.start()

    def _begin(self, commands: Sequence[list[str]]) -> tuple[subprocess.Popen[bytes], bytes]:
        """The first program that delivers a header, and its first bytes."""
        if not commands:
            raise CaptureError("no program that captures is here: install Wireshark's dumpcap, or tcpdump")
        told = []
        for words in commands:
            process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
            )
            assert process.stdout is not None
            assert process.stderr is not None
            listener = threading.Thread(target=self._listen, args=(process.stderr,), daemon=True)
            listener.start()
            begun = select.select([process.stdout], [], [], _START)[0]
            first = os.read(process.stdout.fileno(), _PIECE) if begun else b""
            if first:
                self.program = _name(words)
                return process, first
            if not begun:
                process.kill()
            process.wait()
            listener.join(2)
            said = " ".join(self._said)
            if mistake := _mistake(said, self._interface, self._expression):
                raise CaptureError(mistake)
            told.append((_name(words), said, self._said[-1] if self._said else "it does not say why"))
            self._said.clear()
        if any(_FORBIDDEN.search(said) for _, said, _ in told):
            raise CaptureError(f"{', '.join(name for name, _, _ in told)} may not capture on {self._interface}. {MORE}")
        raise CaptureError("\n".join(f"{name}: {last[-300:]}" for name, _, last in told))

    def _listen(self, stream: IO[bytes]) -> None:
        for line in stream:
            if text := line.decode("utf-8", "replace").strip():
                self._said = [*self._said[-20:], text]

    def _copy(self, data: bytes) -> None:
        """From the program to the copy and to the reader, until it ends."""
        assert self._process.stdout is not None
        source = self._process.stdout.fileno()
        while data:
            if self._keep is not None and self.failed is None:
                try:
                    self._keep.write(data)
                except OSError as error:
                    self.failed = f"packets are no longer kept: {error.strerror or error}"
            try:
                self._out.write(data)
            except OSError:  # the reader has ended
                break
            data = os.read(source, _PIECE)
        self._out.close()

    def told(self, wanted: Callable[[str], bool]) -> list[str]:
        """Lines that the program said and that are wanted."""
        return [line for line in self._said if wanted(line)]

    def stop(self) -> None:
        """End the program; what it has captured comes out still."""
        if self._process.poll() is None:
            self._process.terminate()

    def close(self) -> None:
        self.stop()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._copier.join(5)
        if self._keep is not None:
            self._keep.close()


def _name(words: list[str]) -> str:
    return "scapy" if words[0] == sys.executable else Path(words[0]).name


def _mistake(said: str, interface: str, expression: str) -> str | None:
    """What the user has to correct, where that is what a program complains of."""
    if _ABSENT.search(said):
        there = ", ".join(name for _, name in socket.if_nameindex())
        return f"there is no interface {interface!r}; there are {there} and any"
    if expression and (found := _GRAMMAR.search(said)):
        return f"the filter {expression!r} is not understood: {found[1].strip()}"
    return None
