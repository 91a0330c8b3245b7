"""Taking away: files in every format, the report for a browser, the trace itself."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import threading
import time
import webbrowser
from collections.abc import Callable
from typing import Any, BinaryIO

from tracer.formats.output import RefusedError, check, write_file
from tracer.formats.writers import WRITERS, by_ending, load
from tracer.formats.writing import Options

from .screens.ask import AskScreen, ChooseScreen

_ENDINGS = ", ".join(w.endings[0] for w in WRITERS)


def ask(app: Any) -> None:
    """Which exchanges, then where to; the ending says in what format."""
    marks = [name for name, (mark, _) in app.timeline.signs.marks.items() if mark]
    shown = len(app.rows.order)
    choices = [("marked", "m", f"the {len(marks)} marked")] if marks else []
    choices += [("this", "t", "this exchange")] if app.selection and app.selection.exchange else []
    choices += [("shown", "s", f"the {shown:,} shown")] if not app.view.everything else []
    choices += [("all", "a", "all of them")]

    def chosen(what: str | None) -> None:
        if what is None:
            return
        only = {"marked": marks, "this": [app.selection.id] if app.selection else []}.get(what)
        title = "Export to: the ending chooses the format"
        app.push_screen(AskScreen(title, "report.html", _ENDINGS), lambda path: _begin(app, path or "", what, only))

    app.push_screen(ChooseScreen("Export which exchanges?", choices), chosen)


def _begin(app: Any, path: str, what: str, only: list[str] | None) -> None:
    """Check the path; ask before another file is replaced; then write beside the interface."""
    path = os.path.expanduser(path.strip())
    if not path:
        return
    writer = by_ending(path)
    if writer is None:
        app.say(f"the format is chosen by the ending, one of {_ENDINGS}", True)
        return
    try:
        write = load(writer)
    except ImportError as error:
        app.say(f"writing {writer.name} needs {error.name}: tracer doctor tells how to get it", True)
        return

    def options() -> Options:
        names = shown_ids(app) if what == "shown" else only
        return _options(None if names is None else frozenset(names))

    start = lambda: _background(app, path, lambda out: write(app.session.shown, out, options()))  # noqa: E731
    with_question(app, path, start)


def with_question(app: Any, path: str, start: Callable[[], None]) -> None:
    """Begin at once, or when the user says that a file may be replaced."""
    try:
        check(path, False)
    except RefusedError as error:
        if not os.path.isfile(path):
            app.say(str(error), True)
            return
        choices = [("yes", "y", "replace it"), ("no", "n", "leave it")]
        app.push_screen(ChooseScreen("That file is there already", choices), lambda a: start() if a == "yes" else None)
        return
    start()


def shown_ids(app: Any) -> list[str]:
    """Ids of the exchanges in the listing."""
    numbers = app.rows.order.numbers
    ids: list[str] = []
    for low in range(0, len(numbers), 500):
        few = [n for n in numbers[low : low + 500].tolist() if n > 0]
        marks = ",".join("?" * len(few))
        ids += [i for (i,) in app.session.trace.select(f"SELECT id FROM exchange WHERE n IN ({marks})", tuple(few))]
    return ids


def _options(only: frozenset[str] | None) -> Options:
    from tracer import __version__

    return Options(only=only, version=__version__, made_ns=time.time_ns())


def _background(app: Any, path: str, write: Callable[[BinaryIO], None], then: Callable[[], None] | None = None) -> None:
    """Write in a thread of its own; say how it went."""

    def run() -> None:
        try:
            write_file(path, write)
        except Exception as error:
            words = getattr(error, "strerror", None) or str(error) or type(error).__name__
            app.call_from_thread(app.say, f"{path}: it could not be written: {words}", True)
            return
        redacted = ", without secrets" if app.session.redacts else ", with secrets"
        app.call_from_thread(app.say, f"written to {path}{redacted}")
        if then is not None:
            app.call_from_thread(then)

    threading.Thread(target=run, name="export", daemon=True).start()


def report(app: Any) -> None:
    """Everything as one HTML page in a private folder, shown by the browser where there is one."""
    folder = tempfile.mkdtemp(prefix="tracer-report-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = os.path.join(folder, "report.html")
    write = load(next(w for w in WRITERS if w.name == "html"))
    only = None if app.view.everything else frozenset(shown_ids(app))

    def opened() -> None:
        if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or os.name == "nt":
            webbrowser.open(f"file://{path}")
        else:
            app.say(f"no browser here: the report is {path} until you quit; x keeps one")

    _background(app, path, lambda out: write(app.session.shown, out, _options(only)), opened)


def save(app: Any, quits: bool = False) -> None:
    """The trace with marks and notes as a file that opens again."""
    from tracer.store.copying import write

    def named(path: str | None) -> None:
        if not path:
            return
        target = os.path.expanduser(path.strip())
        target += "" if target.endswith((".trace", ".tracer")) else ".trace"

        def done() -> None:
            app.session.unsaved = 0
            if quits:
                app.exit()

        options = _options(None)
        start = lambda: _background(app, target, lambda out: write(app.session.shown, out, options), done)  # noqa: E731
        with_question(app, target, start)

    app.push_screen(AskScreen("Save the trace as", "capture.trace", "opens again with tracer open"), named)
