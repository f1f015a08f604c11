"""How a command ends: with what exit code, and with which one line if something is wrong."""

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
    1: "a fault of scnnbio itself, with a traceback; or whoever read the output has left",
    SpecError.exit_code: "wrong usage; an experiment, folder or file that is wrong, missing or"
    " damaged; too little memory",
    UnsupportedError.exit_code: "the backend cannot run the experiment, or is not installed",
    FAILED: "with `--strict`: a claim or promise is not met",
    128 + signal.SIGINT: "interrupted from the keyboard (Ctrl-C)",
    128 + signal.SIGTERM: "terminated (SIGTERM)",
}

#: What Typer raises where the words of a command are wrong. Which module it is in depends on
#: Typer's version.
_WRONG_USAGE = cast(
    type[Exception],
    next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException"),
)
#: One Ctrl-C may come several times; what comes this many seconds later is another one.
_AGAIN = 1.0
_python_shows = warnings.showwarning


class Interrupted(BaseException):
    """A signal asks the command to end. It tidies up on the way, as after an error."""

    def __init__(self, number: int) -> None:
        super().__init__("interrupted" if number == signal.SIGINT else "terminated")
        self.exit_code = 128 + number


@contextmanager
def interruptible() -> Iterator[None]:
    """Ctrl-C and SIGTERM raise :class:`Interrupted` meanwhile, unless they were ignored."""
    last = -_AGAIN

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= _AGAIN:
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
    """Print a warning of scnnbio's own as one line; any other as Python does."""
    if issubclass(category, FilesSkipped):
        errors.print(Text(f"warning: {message}", style="yellow"), soft_wrap=True)
    else:
        _python_shows(message, category, filename, lineno, file, line)


def carry_out(app: typer.Typer) -> NoReturn:
    """Carry out the command line and exit; all that is wrong is one line on standard error."""
    try:
        with interruptible(), warnings.catch_warnings():
            warnings.simplefilter("default", FilesSkipped)
            warnings.showwarning = show_warning
            # The exit code of a command; typer.Exit is among the ways to give it.
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
    # What was being built is dropped, unused: Brian2 would remark upon each part.
    logging.getLogger("brian2.core.base.unused_brian_object").setLevel(logging.ERROR)
    notes = "".join(f"; {note}" for note in getattr(error, "__notes__", ()))
    errors.print(Text.assemble(("error: ", "bold red"), message + notes), soft_wrap=True)
    sys.exit(code)


def _usage(error: Any) -> str:
    """What is wrong with the words of a command, and where to look."""
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
