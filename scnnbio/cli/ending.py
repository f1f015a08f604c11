"""How a command ends: exit codes, errors of one line, and signals."""

from __future__ import annotations

import logging
import signal
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn, TextIO, cast

import typer
from rich.text import Text

from scnnbio.cli.terminal import errors
from scnnbio.errors import (
    FilesSkipped,
    ScnnbioError,
    SpecError,
    UnsupportedError,
    hint,
)

#: Exit code of a claim or promise that is not met.
FAILED = 4

#: Every exit code, and what it means.
EXIT_CODES = {
    0: "the command did what was asked",
    1: "a bug of scnnbio, with a traceback; or the reader of the output closed the pipe",
    SpecError.exit_code: "wrong usage; an experiment, folder or file that is wrong, missing or"
    " damaged; too little memory",
    UnsupportedError.exit_code: "the backend cannot run the experiment, or is not installed",
    FAILED: "with `--strict`: a claim or promise is not met; of `work`: a point failed",
    128 + signal.SIGINT: "interrupted from the keyboard (Ctrl-C)",
    128 + signal.SIGTERM: "terminated (SIGTERM)",
}

#: What Typer raises on wrong usage. Its module depends on Typer's version.
_WRONG_USAGE = cast(
    type[Exception],
    next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException"),
)
#: One Ctrl-C may arrive as several signals: those within this many seconds count as one.
_SAME_SIGNAL = 1.0
_default_showwarning = warnings.showwarning


class Interrupted(BaseException):
    """A signal asked the command to end; it cleans up as after an error."""

    def __init__(self, number: int) -> None:
        super().__init__("interrupted" if number == signal.SIGINT else "terminated")
        self.exit_code = 128 + number


@contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM raise :class:`Interrupted`, unless they are ignored."""
    last = -_SAME_SIGNAL

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= _SAME_SIGNAL:
            last = now
            raise Interrupted(number)

    usual = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
    before = {n: signal.getsignal(n) for n in usual}
    ours = [n for n, handler in usual.items() if before[n] == handler]
    for number in ours:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, before[number])


def show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Print warnings of scnnbio as one line, and others as Python does."""
    if issubclass(category, FilesSkipped):
        errors.print(Text(f"warning: {message}", style="yellow"), soft_wrap=True)
    else:
        _default_showwarning(message, category, filename, lineno, file, line)


def carry_out(app: typer.Typer) -> NoReturn:
    """Carry out the command line and exit; any error is one line on standard error."""
    try:
        with interruptible(), warnings.catch_warnings():
            warnings.simplefilter("default", FilesSkipped)
            warnings.showwarning = show_warning
            # A command returns its exit code, or raises typer.Exit with it.
            code = app(prog_name="scnnbio", standalone_mode=False)
    except ScnnbioError as error:
        _end(str(error), error.exit_code, error)
    except MemoryError as error:
        said = f" ({error})" if str(error) else ""
        _end(
            f"there is not enough memory{said}; make layers, kernels or what is recorded smaller",
            SpecError.exit_code,
            error,
        )
    except Interrupted as error:
        _end(str(error), error.exit_code, error)
    except _WRONG_USAGE as error:
        _end(_usage(error), SpecError.exit_code, error)
    sys.exit(code if isinstance(code, int) else 0)


def _end(message: str, code: int, error: BaseException) -> NoReturn:
    # Brian2 warns about every object that was built but never run, as after an error.
    logging.getLogger("brian2.core.base.unused_brian_object").setLevel(logging.ERROR)
    notes = "".join(f"; {note}" for note in getattr(error, "__notes__", ()))
    errors.print(Text.assemble(("error: ", "bold red"), message + notes), soft_wrap=True)
    sys.exit(code)


def _usage(error: Any) -> str:
    """Message about wrong usage, with the help that applies."""
    context = getattr(error, "ctx", None)
    path = "scnnbio" if context is None else context.command_path
    name = getattr(error, "option_name", None)
    if context is not None and name is not None and "such option" in error.format_message():
        known = [word for p in context.command.params for word in p.opts if word.startswith("--")]
        said = f"there is no option {name!r}; {hint(name, [*known, '--help'])}"
    else:
        said = " ".join(error.format_message().split()).rstrip(".")
        said = f"{said[:1].lower()}{said[1:]}"
    return f"{said}; see '{path} --help'"
