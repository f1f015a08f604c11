"""Where results come from: when, by which command, of which files; as ``run.json`` keeps it.

None of it goes into a recording, kernels or scores: a run repeated at another time gives the same
bytes there.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

from scnnbio.errors import DataError
from scnnbio.experiment import Study

Origin = dict[str, Any]

#: What ``run.json`` holds of it.
KEYS = ("date", "command", "files", "skipped", "backend_chosen_by")


def origin(study: Study, command: Sequence[str] = ()) -> Origin:
    """What is known of a run before it begins.

    Parameters
    ----------
    study : Study
    command : sequence of str
        Words of the command line; none where Python asks.

    Returns
    -------
    dict
        ``date`` (UTC, ISO 8601), ``command``, ``files`` (path, sha256 and role of each that was
        read) and ``skipped`` (path and reason of each that was left out).

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


def check_unchanged(study: Study, found: Origin, where: str) -> None:
    """Refuse to go on with a run whose files are not what they were when it began.

    The document and its weights are kept with the run; what a stimulus shows is read again.

    Raises
    ------
    DataError
        If a file was changed, removed or added.
    """
    role = "stimulus"
    before = {f["path"]: f["sha256"] for f in found.get("files", []) if f["role"] == role}
    after = {source.path: source.sha256 for source in study.sources if source.role == role}
    changed = sorted(dict(before.items() ^ after.items()))
    if changed:
        raise DataError(
            f"{changed[0]} is not what it was when the run began; put it back, or begin anew",
            where=where,
        )
