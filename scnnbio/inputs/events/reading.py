"""One door for event files of all formats."""

from __future__ import annotations

import hashlib
import warnings
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from scnnbio.errors import DataError, EventsWarning, SpecError, not_one_of
from scnnbio.files import no_device
from scnnbio.inputs.events.formats import FORMATS, SIZES, File, check_installed, format_of
from scnnbio.inputs.events.isolated import Damaged, Isolated
from scnnbio.inputs.events.stream import LARGEST, LATEST, Events
from scnnbio.inputs.events.worker import EVENT
from scnnbio.stimuli.base import FileRead, Files, count

#: What is done with a damaged file.
OnDamage = Literal["refuse", "prefix"]


def read_events(
    path: str | Path,
    *,
    format: str | None = None,  # noqa: A002  (it is the word that a user looks for)
    size: tuple[int, int] | None = None,
    damaged: OnDamage = "refuse",
    isolated: Isolated | None = None,
) -> Events:
    """Read the events of one file.

    Parameters
    ----------
    path : str or Path
    format : str, optional
        One of :data:`~scnnbio.inputs.events.formats.FORMATS`. By default the first bytes of the
        file tell, or else the ending of its name. Needed for EVT without a header.
    size : tuple of int, optional
        Rows and columns of the sensor, for files that do not hold them. By default the largest row
        and column of an event are taken, with a warning.
    damaged : {"refuse", "prefix"}
        A damaged file is an error, or its events up to the damage are taken, with a warning.
    isolated : Isolated, optional
        A process that reads several AEDAT4 or HDF5 files, one after another.

    Returns
    -------
    Events

    Raises
    ------
    DataError
        If the file cannot be read, is damaged, or holds no events.
    SpecError
        If an argument is not as described.
    BackendMissing
        If the package that reads the format is not installed.

    Warns
    -----
    EventsWarning
        If events were left out, or the size of the sensor is unknown.

    Notes
    -----
    A format without a count of its events does not tell that it was cut off between two of them.
    """
    place = Path(path).expanduser().absolute()
    where = str(place)
    if damaged not in ("refuse", "prefix"):
        raise SpecError(not_one_of(damaged, ("refuse", "prefix")), where="damaged")
    given = None if size is None else _checked_size(size)
    content = _content(place)
    kind = format_of(place, content) if format is None else format
    if kind not in FORMATS:
        raise SpecError(not_one_of(kind, FORMATS), where="format")
    check_installed(kind, place)
    if isolated is not None:
        found = _collected(kind, File(place, content, isolated))
    else:
        with Isolated() as own:
            found = _collected(kind, File(place, content, own))
    held, events, damage = found
    if given is not None and held is not None and given != held:
        raise DataError(
            f"is of a sensor of {held[0]} x {held[1]} pixels, and size is {given[0]} x {given[1]};"
            " leave size out",
            where=where,
        )
    held = given or held or SIZES.get(kind)
    events, damage = _within(events, held, damage)
    if damage and (damaged == "refuse" or not len(events)):
        keep = f'; damaged = "prefix" keeps the {len(events)} events before' if len(events) else ""
        raise DataError(f"is damaged ({damage}){keep}", where=where)
    if not len(events):
        raise DataError("holds no events", where=where)
    if damage:
        _warn(f"{where}: is damaged ({damage}); the {len(events)} events before it are taken")
    if held is None:
        held = int(events["y"].max()) + 1, int(events["x"].max()) + 1
        _warn(
            f"{where}: does not hold the size of the sensor; {held[0]} x {held[1]} pixels have"
            " events, and are taken for all; give size = (rows, columns)"
        )
    digest = hashlib.sha256(content).hexdigest()
    t, x, y, p = (np.ascontiguousarray(events[name]) for name in "txyp")
    return Events(t, x, y, p, held, Files((FileRead(where, digest),)))


def _collected(kind: str, file: File) -> tuple[tuple[int, int] | None, NDArray[Any], str]:
    """Size of the sensor, events, and why they end early (empty if they do not)."""
    size, blocks, damage = None, [], ""
    try:
        for k, block in enumerate(FORMATS[kind](file)):
            if k:
                blocks.append(block)
                continue
            if block is not None and not 1 <= min(block) <= max(block) <= LARGEST:
                raise Damaged(f"a sensor of {block[0]} x {block[1]} pixels")
            size = block
    except Damaged as error:
        damage = " ".join(str(error).split())[:200] or "it cannot be read"
    return size, np.concatenate(blocks) if blocks else np.zeros(0, EVENT), damage


def _within(
    events: NDArray[Any], size: tuple[int, int] | None, damage: str
) -> tuple[NDArray[Any], str]:
    """Events up to the first that is outside the sensor, goes back in time or is far away."""
    t = events["t"]
    wrong = {
        "goes back in time": np.flatnonzero(t[1:] < t[:-1]) + 1,
        "is centuries away": np.flatnonzero((t <= -LATEST) | (t >= LATEST)),
    }
    if size is not None:
        rows, columns = size
        outside = (events["x"] >= columns) | (events["y"] >= rows)
        wrong[f"is outside the sensor of {rows} x {columns} pixels"] = np.flatnonzero(outside)
    found = {what: int(index[0]) for what, index in wrong.items() if index.size}
    if found:
        what = min(found, key=lambda each: found[each])
        events, damage = events[: found[what]], f"event {found[what]} {what}"
    return events, damage


def _checked_size(size: Any) -> tuple[int, int]:
    if not isinstance(size, tuple | list) or len(size) != 2:
        raise SpecError(f"{size!r} is not (rows, columns)", where="size")
    return count(size[0], "size"), count(size[1], "size")


def _content(path: Path) -> bytes:
    try:
        return no_device(path).read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"cannot be read: {reason}", where=str(path)) from None


def _warn(message: str) -> None:
    warnings.warn(EventsWarning(message), stacklevel=3)
