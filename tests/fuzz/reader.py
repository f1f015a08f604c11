"""What a reader under attack is, and helpers of those that make one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from scnnbio.errors import ScnnbioError
from tests.fuzz import mutations
from tests.fuzz.mutations import Mutation

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Reader:
    """A reader under attack.

    Parameters
    ----------
    name : str
    make : callable
        Writes valid files to a folder and returns their paths; their endings are kept.
    read : callable
        Reads one file.
    mutation : Mutation
    needs : str
        Module without which it cannot run.
    """

    name: str
    make: Callable[[Path], Iterable[Path]]
    read: Callable[[Path], object]
    mutation: Mutation = mutations.of_bytes
    needs: str = "numpy"


def texts_in(folder: Path, texts: Iterable[str], ending: str = ".txt") -> list[Path]:
    paths = []
    for number, text in enumerate(texts):
        paths.append(folder / f"valid{number}{ending}")
        paths[-1].write_bytes(text.encode())
    return paths


def text_of(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "surrogateescape")


def any_of(*reads: Callable[[], object]) -> None:
    """Every one is tried; the error of one is raised if none of them reads the file."""
    errors = []
    for read in reads:
        try:
            read()
        except ScnnbioError as error:
            errors.append(error)
    if len(errors) == len(reads):
        raise errors[0]
