"""The command line: ``scnnbio list | explain | describe | check | run | compare | fit`` ..."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

# Each module adds its command to the app; --help lists them in this order.
from scnnbio.cli import (  # isort: skip
    listing,
    explain,
    describe,
    check,
    run,
    resume,
    sweep,
    compare,
    score,
    figures,
    energy,
    fit,
    verify,
)
from scnnbio import __version__, backends
from scnnbio.backends import processes
from scnnbio.cli.common import app
from scnnbio.cli.ending import carry_out
from scnnbio.cli.terminal import console, make_legible

__all__ = [
    "app",
    "check",
    "compare",
    "describe",
    "energy",
    "explain",
    "figures",
    "fit",
    "listing",
    "main",
    "resume",
    "run",
    "score",
    "sweep",
    "verify",
]


def main() -> None:
    """Run the command line; errors of scnnbio are one line, without a traceback.

    If MPI started several processes, the first one carries out the command.
    """
    with processes.command(_take_part) as ours:
        if ours:
            _carry_out()


def _carry_out() -> None:
    make_legible()
    carry_out(app)


def _take_part(order: Mapping[str, Any]) -> None:
    """Take part in a simulation that the first process requests from the others."""
    backends.get(order["backend"], order["options"]).take_part(order["experiment"])


def _print_version(wanted: bool) -> None:
    if wanted:
        console.print(f"scnnbio {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _options(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Spiking convolutional networks, compared with visual cortex."""
    if context.invoked_subcommand is None:
        console.print(context.get_help())
