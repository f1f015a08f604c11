"""The errors scnnbio raises, in one tree.

::

    ScnnbioError
    ├── SpecError         a description is wrong: a key, a unit, a shape, a value     (exit code 2)
    ├── DataError         a file or folder is missing, damaged or cannot be written   (exit code 2)
    ├── UnsupportedError  a backend lacks a feature that the experiment needs          (exit code 3)
    └── BackendMissing    a simulator or a compiler is not installed                  (exit code 3)

Every message is one line and says what is wrong, where, and what to do instead.
:class:`FilesSkipped` is a warning: results are right, but some files were left out. So is
:class:`EventsWarning`, about events of a damaged file.
"""

from __future__ import annotations

import difflib
import errno
import reprlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any


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
    #: Longest message, in characters; quoted input of a user may be of any length.
    longest = 1000

    def __init__(self, message: str, *, where: str = "") -> None:
        # Quoted values and messages of libraries may contain line breaks.
        text = " ".join(message.split())
        half = self.longest // 2
        self.message = text if len(text) <= self.longest else f"{text[:half]} ... {text[-half:]}"
        self.where = " ".join(where.split())
        super().__init__(f"{self.where}: {self.message}" if self.where else self.message)


class SpecError(ScnnbioError, ValueError):
    """A network, stimulus or experiment that is described wrongly."""


class DataError(ScnnbioError, OSError):
    """A file or folder that is missing, damaged, or cannot be written."""

    # OSError.__str__ formats errno pairs; the user needs one line of text.
    def __str__(self) -> str:
        return f"{self.where}: {self.message}" if self.where else self.message


def unwritable(error: OSError, where: object, what: str = "") -> DataError:
    """The error for a file or folder that cannot be written.

    Parameters
    ----------
    error : OSError
        Error of the operating system.
    where : path
    what : str, optional
        What could not be written, if the path does not show it.
    """
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    said = " ".join(filter(None, [what, f"cannot be written ({error.strerror or error})"]))
    remedy = "free some space" if full else "choose another folder"
    return DataError(f"{said}; {remedy}", where=str(where))


def hint(name: str, known: Iterable[str], there: str = "there are") -> str:
    """Suggestion for an unknown name, as the end of an error message.

    Parameters
    ----------
    name : str
        The unknown name.
    known : iterable of str
        All known names.
    there : str
        Words before the list of all names.

    Returns
    -------
    str
        The most similar name, ignoring case, dashes and underscores; all names if none is similar.

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
    """Message about a name that is not among the allowed ones.

    Examples
    --------
    >>> not_one_of("Euler", ["exact", "euler"])
    "'Euler' is not one of exact, euler; did you mean 'euler'?"
    """
    known = list(known)
    found = nearest(name, known) if isinstance(name, str) else None
    said = f"{reprlib.repr(name)} is not one of {', '.join(known) or 'none'}"
    return f"{said}; did you mean {found!r}?" if found else said


#: Least similarity of two names (``difflib`` ratio) for a suggestion.
_SIMILARITY = 0.65


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name most similar to ``name``; None if none is similar.

    Examples
    --------
    >>> nearest("orientaton", ["contrast", "orientation"])
    'orientation'
    """
    plain = {_folded(item): item for item in reversed(list(known))}
    close = difflib.get_close_matches(_folded(name), plain, n=1, cutoff=_SIMILARITY)
    return plain[close[0]] if close else None


def _folded(name: str) -> str:
    return name.casefold().replace("-", "_")


def install(extra: str) -> str:
    """Command that installs an optional part of scnnbio, for messages.

    There is no release yet, so the command names a clone.

    Examples
    --------
    >>> install("nest")
    "pip install '.[nest]' in the folder of scnnbio's source"
    """
    return f"pip install '.[{extra}]' in the folder of scnnbio's source"


@dataclass(frozen=True)
class Unsupported:
    """One feature that a backend lacks, and what to do instead.

    Parameters
    ----------
    element : str
        The part of the experiment, such as ``"projection 'lgn_v1'"``.
    feature : str
        The feature that is not available.
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

    # An exception is copied, and sent between processes, with the arguments of its initialiser.
    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.backend, self.reasons), self.__dict__


class BackendMissing(ScnnbioError, ImportError):
    """A simulator or a compiler that is not installed."""

    exit_code = 3


class FilesSkipped(UserWarning):
    """Some files of a folder could not be read, and were left out."""


class ConversionWarning(UserWarning):
    """Something because of which a converted network may differ much from its module."""


class EventsWarning(UserWarning):
    """Events of a damaged file were left out, or the size of an event camera was guessed."""
