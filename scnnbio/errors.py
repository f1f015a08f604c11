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

import difflib
import errno
import reprlib
from collections.abc import Iterable, Sequence
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


def hint(name: str, known: Iterable[str], there: str = "there are") -> str:
    """What an unknown name may have meant, as the end of a message.

    Parameters
    ----------
    name : str
        As it was written.
    known : iterable of str
        What there is.
    there : str
        Words before the list of all names.

    Returns
    -------
    str
        The nearest name, whatever its capitals, dashes and underscores; all names if none is near.

    Examples
    --------
    >>> hint("lif", ["IF", "LIF", "LIF_cond_exp"])
    "did you mean 'LIF'?"
    >>> hint("V1_GRATING", ["v1_features", "v1_grating"])
    "did you mean 'v1_grating'?"
    >>> hint("x", ["learn", "test"])
    'there are learn, test'
    """
    known = list(known)
    if found := nearest(name, known):
        return f"did you mean {found!r}?"
    return f"{there} {', '.join(known) or 'none'}"


def not_one_of(name: object, known: Iterable[str]) -> str:
    """A message about a name that is none of a few.

    Examples
    --------
    >>> not_one_of("Euler", ["exact", "euler"])
    "'Euler' is not one of exact, euler; did you mean 'euler'?"
    """
    known = list(known)
    found = nearest(name, known) if isinstance(name, str) else None
    said = f"{reprlib.repr(name)} is not one of {', '.join(known) or 'none'}"
    return f"{said}; did you mean {found!r}?" if found else said


#: Share of two names that is the same from which on one may be meant by the other.
_NEAR = 0.65


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that is most like another one; None if none is.

    Examples
    --------
    >>> nearest("orientaton", ["contrast", "orientation"])
    'orientation'
    """
    plain = {_folded(item): item for item in reversed(list(known))}
    close = difflib.get_close_matches(_folded(name), plain, n=1, cutoff=_NEAR)
    return plain[close[0]] if close else None


def _folded(name: str) -> str:
    return name.casefold().replace("-", "_")


def install(extra: str) -> str:
    """What installs an optional part of scnnbio, for messages.

    There is no release yet, so that the line names a clone.

    Examples
    --------
    >>> install("nest")
    "pip install '.[nest]' in the folder of scnnbio's source"
    """
    return f"pip install '.[{extra}]' in the folder of scnnbio's source"


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
