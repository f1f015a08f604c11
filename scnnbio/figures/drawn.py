"""What the figures of a folder were drawn from, so that only those that changed are drawn again.

``figures/drawn.json`` holds a digest of all that figures are drawn from: the files of the results,
the source of scnnbio, and the versions of the packages that draw and compute. A figure is kept if
that digest is the same and its files are those that were written.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from scnnbio.digests import code_digest, digest_of, files_of
from scnnbio.errors import DataError, unwritable
from scnnbio.figures.report import Picture
from scnnbio.figures.saving import Saved
from scnnbio.files import write_atomically
from scnnbio.registry import extensions
from scnnbio.validation.scores import Score

FOLDER = "figures"
RECORD = "drawn.json"
#: Packages that draw figures, or compute what they show.
_PACKAGES = ("matplotlib", "numpy", "scipy", "elephant", "pandas")

Known = Mapping[str, Saved | str]


def inputs_of(folder: Path) -> str:
    """Digest of all that the figures of a folder are drawn from."""
    results = [
        (name, digest_of(folder / name))
        for name in files_of(folder)
        if name != "report.html" and not name.startswith(f"{FOLDER}/")
    ]
    made = {
        "results": results,
        "scnnbio": code_digest(),
        "packages": {name: version(name) for name in _PACKAGES},
        "extensions": extensions(),
    }
    return hashlib.sha256(json.dumps(made).encode()).hexdigest()


def known_figures(folder: Path) -> Known:
    """Figures of a folder that drawing would give again, and why others are left out.

    Returns
    -------
    dict
        By name; empty if they were drawn from anything else, or nothing says from what.
    """
    place = folder / FOLDER
    if not os.path.isfile(place / RECORD):
        return {}
    found: dict[str, Saved | str] = {}
    try:
        known = json.loads((place / RECORD).read_text(encoding="utf-8"))
        if known["inputs"] != inputs_of(folder):
            return {}
        found.update({str(name): str(reason) for name, reason in known["left_out"].items()})
        for name, row in known["figures"].items():
            files = [place / file for file in row["files"]]
            # Nothing outside the folder is read, whatever the record says.
            if [file.name for file in files] != [*row["files"]]:
                return {}
            if all(os.path.isfile(f) and digest_of(f) == row["files"][f.name] for f in files):
                score = None if row["score"] is None else Score.from_dict(row["score"])
                picture = Picture(files[0], str(row["caption"]), str(row["title"]), score)
                found[name] = Saved(name, tuple(files), picture)
    except (DataError, OSError, LookupError, RecursionError, AttributeError, TypeError, ValueError):
        return {}  # damaged: all are drawn again, and it is written anew
    return found


def write_record(folder: Path, saved: Iterable[Saved], left_out: Mapping[str, str]) -> Path:
    """Write what the figures of a folder were drawn from; returns the file."""
    path = folder / FOLDER / RECORD
    row = {
        "inputs": inputs_of(folder),
        "figures": {one.name: _row(one) for one in saved},
        "left_out": dict(left_out),
    }
    try:
        path.parent.mkdir(exist_ok=True)
        write_atomically((json.dumps(row, indent=2, allow_nan=False) + "\n").encode(), path)
    except OSError as error:
        raise unwritable(error, path) from None
    return path


def _row(one: Saved) -> dict[str, Any]:
    picture = one.picture
    return {
        "title": picture.title,
        "caption": picture.caption,
        "score": None if picture.score is None else picture.score.to_dict(),
        "files": {file.name: digest_of(file) for file in one.files},
    }
