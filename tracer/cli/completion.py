"""`tracer completion`: the script a shell needs."""

from __future__ import annotations

import click


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> int:
    """Print the completion script for SHELL.

    \b
    bash: echo 'eval "$(tracer completion bash)"' >> ~/.bashrc
    zsh:  echo 'eval "$(tracer completion zsh)"' >> ~/.zshrc
    fish: tracer completion fish > ~/.config/fish/completions/tracer.fish
    """
    from click.shell_completion import get_completion_class

    from .program import program

    found = get_completion_class(shell)
    assert found is not None
    click.echo(found(program, {}, "tracer", "_TRACER_COMPLETE").source())
    return 0
