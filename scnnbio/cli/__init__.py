"""The command line: ``scnnbio list | explain | check | run | compare | score | figures`` ..."""

from __future__ import annotations

import importlib.metadata
import logging
import sys
import warnings
from collections.abc import Mapping
from typing import Annotated, Any, NoReturn

import typer
from rich.text import Text

# Each module adds its command to the app; --help lists them in this order.
from scnnbio.cli import (  # isort: skip
    listing,
    explain,
    check,
    run,
    resume,
    compare,
    score,
    figures,
)
from scnnbio import backends
from scnnbio.backends import processes
from scnnbio.cli.common import app, console, errors, show_warning
from scnnbio.errors import FilesSkipped, ScnnbioError, SpecError

__all__ = [
    "app",
    "check",
    "compare",
    "explain",
    "figures",
    "listing",
    "main",
    "resume",
    "run",
    "score",
]


def main() -> None:
    """Run the command line; an error of scnnbio's own is one line, never a traceback.

    Of several processes that MPI started, the first one carries the command out.
    """
    with processes.command(_take_part) as ours:
        if ours:
            _carry_out()


def _carry_out() -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("default", FilesSkipped)
            # Brian2 asks for this when it is loaded, and then finds it done: ours stays.
            logging.captureWarnings(True)
            warnings.showwarning = show_warning
            app()
    except ScnnbioError as error:
        _end(str(error), error.exit_code)
    except MemoryError as error:
        said = f" ({error})" if str(error) else ""
        _end(
            f"there is not enough memory{said}; make layers, kernels or what is recorded smaller",
            SpecError.exit_code,
        )


def _end(message: str, code: int) -> NoReturn:
    errors.print(Text("error: ", style="bold red") + Text(message, style=""), soft_wrap=True)
    sys.exit(code)


def _take_part(order: Mapping[str, Any]) -> None:
    """Do what the process that carries out the command asks of the others."""
    backend: Any = backends.get(order["backend"], order["options"])
    backend.take_part(order["experiment"])


def _print_version(wanted: bool) -> None:
    if wanted:
        console.print(f"scnnbio {importlib.metadata.version('scnnbio')}", highlight=False)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Spiking convolutional networks, compared with visual cortex."""
