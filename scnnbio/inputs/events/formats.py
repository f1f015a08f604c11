"""Formats of event files, each with a reader; which one a file has.

A reader yields the size (rows, columns) of the sensor, or None where the file does not hold it, and
then arrays of :data:`~scnnbio.inputs.events.worker.EVENT`. At damage it raises
:class:`~scnnbio.inputs.events.isolated.Damaged`; what it yielded before is good.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scnnbio.archives import KINDS, arrays_of
from scnnbio.errors import BackendMissing, DataError, install
from scnnbio.inputs.events.isolated import Damaged, Isolated
from scnnbio.inputs.events.worker import packed

#: Largest unpacked size of an archive in bytes.
_MOST_BYTES = 2**34
#: Rows and columns of the sensors that AEDAT 3.1 names (inivation.com, AEDAT file formats).
_SENSORS = {"DVS128": (128, 128), "DAVIS240": (180, 240), "DAVIS346": (260, 346)}
_HEADER_END = b"#!END-HEADER\r\n"
#: An event of N-MNIST with this row says that time overflowed by so many us.
_OVERFLOW_ROW, _OVERFLOW = 240, 2**13


@dataclass(frozen=True)
class File:
    """A file to read: its path and content, and the process for libraries that may crash."""

    path: Path
    content: bytes
    isolated: Isolated


Blocks = Iterator[Any]


def format_of(path: Path, content: bytes) -> str:
    """The format of a file, by its first bytes, or else by the ending of its name.

    Raises
    ------
    DataError
        If neither tells.
    """
    for start, name in _STARTS.items():
        if content.startswith(start):
            return name
    if content.startswith(b"#!AER-DAT"):
        version = content[9:12].decode("ascii", "replace")
        raise DataError(f"is of AEDAT {version}; versions 3.1 and 4.0 are read", where=str(path))
    head = _header(content).lower()
    for name in ("evt2", "evt3"):
        if f"format {name}" in head or f"evt {name[3:]}." in head:
            return name
    ending = path.suffix.lower()
    if ending == ".dat" or "data file containing" in head:
        return "dat"
    if ending == ".bin":
        return "nmnist"
    raise DataError(
        f"is not an event file of a known format; give format, one of {', '.join(FORMATS)}",
        where=str(path),
    )


def _header(content: bytes) -> str:
    """The lines at the beginning that start with %."""
    found = re.match(rb"(%[^\n]*\n)*", content)
    return found.group().decode("latin-1") if found else ""


def nmnist(file: File) -> Blocks:
    """Records of five bytes: column, row, and polarity (1 bit) with time (23 bits, us).

    References
    ----------
    Orchard, Jayawant, Cohen & Thakor 2015, Front Neurosci 9:437; and the program that its authors
    give with the data, for the events that count overflows of time.
    """
    yield None
    whole = len(file.content) // 5
    record = np.frombuffer(file.content, np.uint8, 5 * whole).reshape(-1, 5).astype(np.int64)
    overflow = record[:, 1] == _OVERFLOW_ROW
    t = (record[:, 2] & 127) << 16 | record[:, 3] << 8 | record[:, 4]
    t += _OVERFLOW * np.cumsum(overflow)
    index = np.flatnonzero(~overflow)
    t = t[index]
    back = np.flatnonzero(t[1:] < t[:-1]) + 1
    end = back[0] if back.size else len(t)
    kept = index[:end]
    yield packed(t[:end], record[kept, 0], record[kept, 1], record[kept, 2] >> 7)
    if back.size:
        raise Damaged(f"time goes back at byte {5 * index[end]}")
    if len(file.content) % 5:
        raise Damaged(f"the record at byte {5 * whole} is cut off")


def aedat3(file: File) -> Blocks:
    """Packets of polarity events of AEDAT 3.1, as jAER and cAER write them.

    References
    ----------
    https://docs.inivation.com/software/software-advanced-usage/file-formats/aedat-3.1.html
    """
    content = file.content
    at = content.find(_HEADER_END) + len(_HEADER_END)
    if at < len(_HEADER_END):
        raise Damaged("its header has no end")
    source = re.search(rb"#Source \d+: ([A-Z]+\d+)", content[:at])
    yield _SENSORS.get(source.group(1).decode()) if source else None
    while at < len(content):
        if at + 28 > len(content):
            raise Damaged(f"the packet at byte {at} is cut off")
        kind, _, size, _, overflow, _, number, valid = np.frombuffer(
            content, "<u2,<u2,<u4,<u4,<u4,<u4,<u4,<u4", 1, at
        )[0].tolist()
        end = at + 28 + size * number
        if end > len(content) or valid > number or (kind == 1 and (size != 8 or not number)):
            raise Damaged(f"the packet at byte {at} is damaged or cut off")
        if kind == 1:
            data, t = np.frombuffer(content, "<u4", 2 * number, at + 28).reshape(-1, 2).T
            kept = (data & 1).astype(bool)
            if kept.sum() != valid:
                raise Damaged(f"the packet at byte {at} does not hold the events that it counts")
            data, t = data[kept], t[kept].astype(np.int64) + (overflow << 31)
            yield packed(t, data >> 17, data >> 2 & 0x7FFF, data >> 1 & 1)
        at = end


def arrays(file: File) -> Blocks:
    """Arrays t (us), x, y and p of an npz file, or fields of them in an npy file.

    An array ``size`` of an npz file has the rows and columns of the sensor.
    """
    try:
        table = _loaded(file.content)
    except ValueError as error:
        raise Damaged(f"it is not a file of arrays ({error})") from None
    missing = [name for name in "txyp" if name not in table]
    if missing:
        raise Damaged(f"it has no array {missing[0]!r}")
    t, x, y, p = (table[name] for name in "txyp")
    if len({column.shape for column in (t, x, y, p)}) > 1 or t.ndim != 1:
        raise Damaged("t, x, y and p are not flat arrays of equal length")
    limits = {"t": (t, -(2**53), 2**53), "x": (x, 0, 2**16), "y": (y, 0, 2**16), "p": (p, -1, 2)}
    good = len(t)
    for name, (column, low, high) in limits.items():
        if column.dtype.kind not in "iub":
            raise Damaged(f"{name} is an array of {column.dtype}, and not of whole numbers")
        outside = np.flatnonzero((column < low) | (column >= high))
        good = min(good, outside[0]) if outside.size else good
    yield _size(table.get("size"))
    yield packed(t[:good].astype(np.int64), x[:good], y[:good], p[:good] > 0)
    if good < len(t):
        raise Damaged(f"event {good} is out of range")


def _loaded(content: bytes) -> dict[str, NDArray[Any]]:
    wanted = ("t", "x", "y", "p", "size").__contains__
    found = arrays_of(content, _MOST_BYTES, kinds=KINDS + "V", wanted=wanted)
    if "" not in found:
        return found
    table = found[""]
    return {"p" if name == "on" else name: table[name] for name in table.dtype.names or ()}


def _size(given: NDArray[Any] | None) -> tuple[int, int] | None:
    if given is None:
        return None
    if given.shape != (2,) or given.dtype.kind not in "iu" or min(given) < 1 or max(given) > 2**16:
        raise Damaged("its size is not (rows, columns)")
    return int(given[0]), int(given[1])


def _evt(version: str) -> Callable[[File], Blocks]:
    def read(file: File) -> Blocks:
        from faery.extension import evt

        if _EVT21.search(_header(file.content)):
            raise Damaged("it is of EVT 2.1, which cannot be read; convert it to EVT 2 or 3")
        # A size that the format cannot exceed stands for none in the header.
        yield from _packets(lambda: evt.Decoder(file.path, _ANY, version))
        rest = (len(file.content) - len(_header(file.content))) % _WORDS[version]
        if rest:
            raise Damaged(f"the word at byte {len(file.content) - rest} is cut off")

    return read


def _dat(file: File) -> Blocks:
    from faery.extension import dat

    yield from _packets(lambda: dat.Decoder(file.path, _ANY, "dat2"))
    # After the header, two bytes give the kind and the size of an event.
    rest = (len(file.content) - len(_header(file.content)) - 2) % 8
    if rest:
        raise Damaged(f"the event at byte {len(file.content) - rest} is cut off")


def _es(file: File) -> Blocks:
    from faery.extension import es

    yield from _packets(lambda: es.Decoder(file.path, 0))


def _packets(opened: Callable[[], Any]) -> Blocks:
    """Size, and packets of events, of a decoder of faery."""
    try:
        decoder = opened()
        kind = getattr(decoder, "event_type", "cd")
        if kind not in ("cd", "dvs", "atis"):
            raise ValueError(f"it holds {kind} and no change events")
        columns, rows = decoder.dimensions
        yield None if (columns, rows) == _ANY else (rows, columns)
        for packet in decoder:
            events = packet["events"] if isinstance(packet, dict) else packet
            if kind == "atis":
                events = events[~events["exposure"]]
            if len(events):
                yield packed(*_columns(events, rows if kind != "cd" else 0))
    # faery raises errors of many kinds, and panics of Rust derive from BaseException.
    except BaseException as error:
        if isinstance(error, GeneratorExit | KeyboardInterrupt | SystemExit):
            raise
        raise Damaged(str(error)) from None


def _columns(events: NDArray[Any], rows: int) -> tuple[NDArray[Any], ...]:
    """t, x, y and p of a packet; rows of an Event Stream count from the bottom."""
    names = events.dtype.names or ()
    p = next(name for name in ("on", "p", "polarity", "payload") if name in names)
    y = rows - 1 - events["y"].astype(np.int64) if rows else events["y"]
    return events["t"], events["x"], y, events[p] > 0


#: Columns and rows that no format of Prophesee exceeds: 14 bits each.
_ANY = (2**14, 2**14)
#: A header for which faery panics.
_EVT21 = re.compile(r"evt\W*2\W*1", re.IGNORECASE)
#: Bytes of a word.
_WORDS = {"evt2": 4, "evt3": 2}


def _apart(name: str) -> Callable[[File], Blocks]:
    return lambda file: file.isolated.read(file.path, name)


#: Formats by name.
FORMATS: dict[str, Callable[[File], Blocks]] = {
    "nmnist": nmnist,
    "es": _es,
    "evt2": _evt("evt2"),
    "evt3": _evt("evt3"),
    "dat": _dat,
    "aedat3": aedat3,
    "aedat4": _apart("aedat4"),
    "hdf5": _apart("hdf5"),
    "arrays": arrays,
}
#: Sensors of formats whose files do not hold the size; a user may give another one.
SIZES = {"nmnist": (34, 34)}
#: Packages that formats need.
_NEEDS = {
    **dict.fromkeys(("es", "evt2", "evt3", "dat", "aedat4"), "faery"),
    "hdf5": "hdf5plugin",
}
_STARTS = {
    b"Event Stream": "es",
    b"#!AER-DAT4.0": "aedat4",
    b"#!AER-DAT3.": "aedat3",
    b"\x89HDF\r\n\x1a\n": "hdf5",
    b"PK\x03\x04": "arrays",
    b"\x93NUMPY": "arrays",
}


def check_installed(name: str, path: Path) -> None:
    """Raise unless the package that reads a format is installed.

    Raises
    ------
    BackendMissing
    """
    package = _NEEDS.get(name)
    if package is not None and importlib.util.find_spec(package) is None:
        raise BackendMissing(f"{name} is read by {package}: {install('events')}", where=str(path))
