"""Every reader and parser of files and texts that may come from a stranger."""

from __future__ import annotations

from pathlib import Path

from scnnbio.errors import SpecError
from tests.fuzz import mutations
from tests.fuzz.reader import Reader, texts_in
from tests.fuzz.readers_of_files import OF_FILES
from tests.fuzz.readers_of_text import OF_TEXT

READERS: dict[str, Reader] = {reader.name: reader for reader in (*OF_TEXT, *OF_FILES)}


def _faults(folder: Path) -> list[Path]:
    return texts_in(folder, ["0"])


def _faulty(path: Path) -> None:
    """One fault of each kind, by the number of inputs that were read."""
    import os

    if not path.name.startswith("hostile_"):
        return
    calls = path.parent / "calls"
    with calls.open("a") as file:  # a process that takes the place of a crashed one counts on
        file.write("x")
    number = calls.stat().st_size
    if number == 2:
        raise KeyError("no error of scnnbio")
    if number == 4:
        bytearray(2**32)
    if number == 6:
        while True:
            pass
    if number == 8:
        os.system("true")  # noqa: S605
    if number == 10:
        os.abort()
    raise SpecError("an error of scnnbio")


#: To see that the driver finds faults; no reader of scnnbio.
FAULTY = Reader("a faulty one", _faults, _faulty, mutations.of_text)
