"""Packets as they pass: dumpcap or tcpdump (or scapy) writes them, a thread keeps a copy and hands them on.

Who may capture: root, or a program that was given the right. dumpcap is made for that (a group may run it), so it is
tried first.
"""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, BinaryIO

from .ring import Ring

MORE = (
    "Capturing needs a right. On Linux, one of: run it as root (sudo tracer capture …); put yourself into the group "
    "that may run dumpcap (sudo dpkg-reconfigure wireshark-common; sudo usermod -aG wireshark $USER; log in again); "
    "or give the right to dumpcap (sudo setcap cap_net_raw,cap_net_admin+eip $(command -v dumpcap)). "
    "On macOS: install Wireshark's ChmodBPF."
)
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
                self.program = Path(words[0]).name
                return process, first
            if not begun:
                process.kill()
            process.wait()
            listener.join(2)
            told.append(f"{Path(words[0]).name}: {' '.join(self._said)[-300:]}")
            self._said.clear()
        raise CaptureError("\n".join(told) + ("" if _is_root() else f"\n{MORE}"))

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


def _is_root() -> bool:
    return not hasattr(os, "geteuid") or os.geteuid() == 0
