"""The errors scnnbio raises, in one tree.

::

    ScnnbioError
    ├── SpecError         a description is wrong: a key, a unit, a shape, a value     (exit code 2)
    ├── DataError         a file or folder is missing, damaged or cannot be written   (exit code 2)
    ├── UnsupportedError  a backend cannot take what the experiment asks for          (exit code 3)
    └── BackendMissing    a simulator or a compiler is not installed                  (exit code 3)

Every message is one line and says what is wrong, where, and what to do instead.
:class:`FilesSkipped` is a warning: what was done is right, and less than a user may expect.
"""

from __future__ import annotations

import errno
from collections.abc import Sequence
from dataclasses import dataclass


class ScnnbioError(Exception):
    """Base of every error that scnnbio raises on purpose.

    Parameters
    ----------
    message : str
        What is wrong and what to do instead, in one line.
    where : str, optional
        Path into the document, or the file, that the error points at.
    """

    exit_code = 2
    #: Characters of a message; what a user wrote and is quoted may be of any length.
    longest = 1000

    def __init__(self, message: str, *, where: str = "") -> None:
        # Values that are quoted may hold line ends, and what a library says may be several lines.
        text = " ".join(message.split())
        half = self.longest // 2
        self.message = text if len(text) <= self.longest else f"{text[:half]} ... {text[-half:]}"
        self.where = " ".join(where.split())
        super().__init__(f"{self.where}: {self.message}" if self.where else self.message)


class SpecError(ScnnbioError, ValueError):
    """A network, stimulus or experiment that is described wrongly."""


class DataError(ScnnbioError, OSError):
    """A file or folder that is missing, damaged, or cannot be written."""

    # OSError.__str__ formats errno pairs; one line of text is what the user needs.
    def __str__(self) -> str:
        return f"{self.where}: {self.message}" if self.where else self.message


def unwritable(error: OSError, where: object, what: str = "") -> DataError:
    """The error for a file or folder that cannot be written.

    Parameters
    ----------
    error : OSError
        What the system said.
    where : path
    what : str, optional
        What was to be written, if the path does not say it.
    """
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    said = " ".join(filter(None, [what, f"cannot be written ({error.strerror or error})"]))
    remedy = "free some space" if full else "choose another place"
    return DataError(f"{said}; {remedy}", where=str(where))


@dataclass(frozen=True)
class Unsupported:
    """One thing a backend cannot do, and what would do instead.

    Parameters
    ----------
    element : str
        The part of the experiment, such as ``"projection 'lgn_v1'"``.
    feature : str
        What of it is not available.
    remedy : str
        What to do instead.
    """

    element: str
    feature: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.element}: {self.feature}; {self.remedy}"


class UnsupportedError(ScnnbioError):
    """An experiment that a backend cannot run; lists every reason at once."""

    exit_code = 3
    longest = 20_000

    def __init__(self, backend: str, reasons: Sequence[Unsupported]) -> None:
        self.backend = backend
        self.reasons = tuple(reasons)
        super().__init__(f"not available on {backend}: " + " | ".join(map(str, self.reasons)))


class BackendMissing(ScnnbioError, ImportError):
    """A simulator or a compiler that is not installed."""

    exit_code = 3


class FilesSkipped(UserWarning):
    """Files that lay among those that were read, and were left out."""
