"""The program: commands found by the table, errors as one clear sentence."""

from __future__ import annotations

import traceback
from importlib import import_module
from importlib.util import find_spec

import click

from tracer import __version__
from tracer.views.safe import safe

from .table import COMMANDS


class Failure(click.ClickException):
    """Ends the command with a sentence and an exit code."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class Program(click.Group):
    """Commands are imported when they are run, and listed without being imported."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return [c.name for c in COMMANDS if _installed(c.function)]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002
        found = next((c for c in COMMANDS if c.name == name and _installed(c.function)), None)
        if found is None:
            return None
        module, _, attribute = found.function.partition(":")
        command: click.Command = getattr(import_module(f".{module}", __package__), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(args[0], self.list_commands(ctx), 1)
            hint = f"; did you mean {near[0]!r}?" if near else "; tracer --help lists them"
            raise click.UsageError(f"there is no command {args[0]!r}{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(c.name, c.help) for c in COMMANDS if _installed(c.function)])


def _installed(function: str) -> bool:
    return find_spec(f".{function.partition(':')[0]}", __package__) is not None


_EXAMPLES = """\b
Examples:
  tracer explain capture.pcapng --keylog keys.log
  tracer explain session.har --fail-on 403
  tracer list capture.pcap --filter '~d shop & ~c 403'
  tracer export capture.pcapng -o report.html
  curl -v https://… 2>&1 | tracer explain -
"""


@click.group(cls=Program, epilog=_EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "--version", "-V", prog_name="tracer", message="%(prog)s %(version)s")
def program() -> None:
    """You got a 403. Which hop said it, and why?

    Sources are captures (pcap, pcapng), HAR, mitmproxy flows, curl -v output or saved traces, told apart by their
    content, compressed or not; `-` is standard input.
    """


def run(arguments: list[str]) -> int:
    """Run the program; the exit code."""
    try:
        code = program.main(arguments, prog_name="tracer", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 0 if not arguments else 2
    except click.UsageError as error:
        if error.ctx is not None:
            click.echo(safe(error.ctx.get_usage()), err=True)
        click.echo(f"tracer: {_sentence(error.format_message())}", err=True)
        return 2
    except click.ClickException as error:
        click.echo(f"tracer: {_sentence(error.format_message())}", err=True)
        return error.code if isinstance(error, Failure) else 2
    except click.Abort:
        return 130
    except (BrokenPipeError, KeyboardInterrupt):
        raise
    except Exception as error:
        click.echo(f"tracer: a fault of our own: {type(error).__name__}: {safe(str(error), 300)}", err=True)
        if "--verbose" in arguments or "-v" in arguments:
            click.echo("".join(safe(line) + "\n" for line in traceback.format_exc().splitlines()), err=True)
        else:
            click.echo("tracer: run it again with -v for where it happened", err=True)
        return 70
    return code if isinstance(code, int) else 0


def _sentence(message: str) -> str:
    return "\n".join(safe(line) for line in message.splitlines())
