"""Folders of event files with their labels and parts, as N-MNIST and DVS-Gesture are downloaded."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from scnnbio.errors import DataError
from scnnbio.stimuli.base import FileSkipped

#: Endings of event files.
SUFFIXES = frozenset({".bin", ".es", ".raw", ".dat", ".aedat", ".aedat4", ".h5", ".hdf5", ".npz"})
TRAIN, TEST = "train", "test"
#: Files of DVS-Gesture that name the recordings of each part.
_SPLIT = {"trials_to_train.txt": TRAIN, "trials_to_test.txt": TEST}


@dataclass(frozen=True)
class Entry:
    """A recording of a folder: a file, or the part of it from ``begin`` to ``end``.

    Parameters
    ----------
    path : Path
    label : int or str or None
    part : str or None
        ``"train"`` or ``"test"``.
    begin, end : int or None
        us.
    """

    path: Path
    label: int | str | None = None
    part: str | None = None
    begin: int | None = None
    end: int | None = None


def entries_of(folder: Path) -> tuple[list[Entry], tuple[FileSkipped, ...]]:
    """The recordings of a folder, in the order of names, and the files that were skipped.

    A folder with ``trials_to_train.txt`` and ``trials_to_test.txt`` is DVS-Gesture: each recording
    has a table of gestures, with the class and the time of each. Folders ``Train`` and ``Test``
    are the parts of N-MNIST, and their folders the labels. Any other folder has event files, or
    one folder per label.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    entries : list of Entry
    skipped : tuple of FileSkipped

    Raises
    ------
    DataError
        If there is no event file, or a table is damaged.

    References
    ----------
    Orchard, Jayawant, Cohen & Thakor 2015, Front Neurosci 9:437 (N-MNIST). Amir et al. 2017, CVPR,
    7388-7397 (DVS-Gesture).
    """
    try:
        inside = _sorted(folder)
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", where=str(folder)) from None
    if any(path.name in _SPLIT for path in inside):
        entries, skipped = _gestures(folder)
    else:
        parts = {path.name.lower(): path for path in inside if os.path.isdir(path)}
        halves: list[str | None] = [name for name in (TRAIN, TEST) if name in parts]
        entries, skipped = [], []
        for part in halves or [None]:
            found, others = _labelled(parts[part] if part else folder, part)
            entries += found
            skipped += others
    if not entries:
        raise DataError(f"holds no event files ({', '.join(sorted(SUFFIXES))})", where=str(folder))
    return entries, tuple(skipped)


def _sorted(folder: Path) -> list[Path]:
    return sorted((p for p in folder.iterdir() if p.name[0] != "."), key=lambda path: path.name)


def _labelled(place: Path, part: str | None) -> tuple[list[Entry], list[FileSkipped]]:
    inside = _sorted(place)
    folders = [path for path in inside if os.path.isdir(path)]
    files, skipped = _event_files(inside)
    if folders and files:
        raise DataError(
            f"holds both event files ({files[0].name}) and folders ({folders[0].name}); leave one"
            " kind",
            where=str(place),
        )
    entries = [Entry(path, None, part) for path in files]
    numbers = all(folder.name.isdecimal() for folder in folders)
    if numbers:
        folders.sort(key=lambda folder: int(folder.name))
    for inner in folders:
        found, others = _event_files(_sorted(inner))
        label = int(inner.name) if numbers else inner.name
        entries += [Entry(path, label, part) for path in found]
        skipped += others
    return entries, skipped


def _event_files(paths: Iterable[Path]) -> tuple[list[Path], list[FileSkipped]]:
    files = [path for path in paths if os.path.isfile(path)]
    return (
        [path for path in files if path.suffix.lower() in SUFFIXES],
        [
            FileSkipped(str(p), "not an event file")
            for p in files
            if p.suffix.lower() not in SUFFIXES
        ],
    )


def _gestures(folder: Path) -> tuple[list[Entry], list[FileSkipped]]:
    entries: list[Entry] = []
    for name, part in _SPLIT.items():
        for line in _text(folder / name).split():
            path = folder / line
            if not os.path.isfile(path):
                raise DataError(f"is missing, and {name} names it", where=str(path))
            entries += _rows(path, folder / f"{path.stem}_labels.csv", part)
    used = {entry.path for entry in entries}
    files, _ = _event_files(_sorted(folder))
    return entries, [FileSkipped(str(p), "in neither part") for p in files if p not in used]


def _rows(path: Path, table: Path, part: str) -> list[Entry]:
    rows = list(csv.reader(_text(table).splitlines()))
    try:
        if rows[0] != ["class", "startTime_usec", "endTime_usec"]:
            raise ValueError(f"the first line is {rows[0]}")
        numbers = [tuple(int(cell) for cell in row) for row in rows[1:] if row]
        found = [Entry(path, label, part, begin, end) for label, begin, end in numbers]
        if any(end <= begin for _, begin, end in numbers):
            raise ValueError("a gesture ends before it begins")
    except (ValueError, IndexError) as error:
        raise DataError(f"is not a table of gestures ({error})", where=str(table)) from None
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", where=str(path)) from None
    except UnicodeDecodeError:
        raise DataError("is not text", where=str(path)) from None
