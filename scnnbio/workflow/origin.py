"""The origin of results: date, command and files, as ``run.json`` records them.

Recordings, kernels and scores do not contain it, so that repeating a run gives the same bytes.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

from scnnbio.errors import DataError
from scnnbio.experiment import Study

Origin = dict[str, Any]

#: Keys of ``run.json`` that hold the origin.
KEYS = ("date", "command", "files", "skipped", "backend_chosen_by")
#: What uses the files that are read again, by the role of the file.
USERS = {"stimulus": "a stimulus shows", "recording": "a claim compares with"}


def origin(study: Study, command: Sequence[str] = ()) -> Origin:
    """Date, command and files of a run that begins now.

    Parameters
    ----------
    study : Study
    command : sequence of str
        Words of the command line; empty for a run from Python.

    Returns
    -------
    dict
        ``date`` (UTC, ISO 8601), ``command``, ``files`` (path, sha256 and role of each file read)
        and ``skipped`` (path and reason of each file left out).

    Raises
    ------
    DataError
        If a file that a stimulus shows is missing.
    """
    now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    return {
        "date": now.isoformat(),
        "command": list(command),
        "files": [dict(vars(source)) for source in study.sources],
        "skipped": [file._asdict() for file in study.skipped],
    }


def is_origin(found: Any) -> bool:
    """Whether a value that was read is an origin, as far as it is used again."""
    if not isinstance(found, dict):
        return False
    files = found.get("files", [])
    return isinstance(files, list) and all(
        isinstance(file, dict)
        and all(isinstance(file.get(key), str) for key in ("path", "sha256", "role"))
        for file in files
    )


def check_unchanged(study: Study, found: Origin, where: str) -> None:
    """Raise if a file of a stimulus or of a claim has changed since the run began.

    The document and its weights are stored with the run; the others are read again.

    Raises
    ------
    DataError
        If a file was changed, removed or added.
    """
    before = {f["path"]: f["sha256"] for f in found.get("files", []) if f["role"] in USERS}
    after = {source.path: source.sha256 for source in study.sources if source.role in USERS}
    changed = sorted(dict(before.items() ^ after.items()))
    if changed:
        raise DataError(
            f"{changed[0]} has changed since the run began; restore it, or run the experiment"
            " again",
            where=where,
        )
