"""A program that reads event files for :mod:`scnnbio.inputs.events.isolated`.

It imports nothing of scnnbio, so that it starts quickly. A library that crashes ends this process
only. It reads one line of JSON per file from its standard input, and answers by blocks on its
standard output: a letter, the length of the content in 8 bytes, and the content.

====== ================================================================
letter content
====== ================================================================
S      JSON: the size of the sensor, [rows, columns], or null
E      events, as they follow each other in memory: :data:`EVENT`
X      text: why reading ended before the end of the file
D      nothing: the file ended
====== ================================================================
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import numpy as np

#: An event on its way between the processes.
EVENT = np.dtype([("t", "<i8"), ("x", "<u2"), ("y", "<u2"), ("p", "u1")])
#: Most memory that a file may take (bytes): a damaged length may ask for any number.
_MEMORY = 2**33
#: Events of an HDF5 file that are read at once.
_CHUNK = 2**18


def packed(t: Any, x: Any, y: Any, p: Any) -> np.ndarray[Any, Any]:
    """Events as an array of :data:`EVENT`."""
    events = np.empty(len(t), EVENT)
    for name, values in (("t", t), ("x", x), ("y", y), ("p", p)):
        events[name] = values
    return events


def aedat4(path: str) -> Iterator[Any]:
    """Size of the sensor, then packets of events, of the first track of events."""
    from faery.extension import aedat

    with aedat.Decoder(path) as decoder:
        tracks = [track for track in decoder.tracks() if track.data_type == "events"]
        if not tracks:
            raise ValueError("it has no track of events")
        columns, rows = tracks[0].dimensions
        yield rows, columns
        for track, packet in decoder:
            if track.id == tracks[0].id:
                yield packed(packet["t"], packet["x"], packet["y"], packet["on"])


def hdf5(path: str) -> Iterator[Any]:
    """Size of the sensor if it is given, then events, of a file in the layout of DSEC."""
    import h5py
    import hdf5plugin  # noqa: F401  (it registers filters that event files are compressed with)

    with h5py.File(path, "r") as file:
        group = next((file[name] for name in ("events", "CD/events") if name in file), file)
        if isinstance(group, h5py.Dataset):
            raise ValueError("its events are a table; layouts of DSEC have arrays t, x, y and p")
        missing = [name for name in "txyp" if not isinstance(group.get(name), h5py.Dataset)]
        if missing:
            raise ValueError(f"it has no array {missing[0]!r}, nor one in a group 'events'")
        columns = [group[name] for name in "txyp"]
        if len({column.shape for column in columns}) > 1 or columns[0].ndim != 1:
            raise ValueError("t, x, y and p are not flat arrays of equal length")
        if any(column.dtype.kind not in "iub" for column in columns):
            raise ValueError("t, x, y and p are not whole numbers")
        offset = int(file["t_offset"][()]) if "t_offset" in file else 0
        size = [file.attrs.get(name, group.attrs.get(name)) for name in ("height", "width")]
        yield None if None in size else tuple(int(length) for length in size)
        for first in range(0, columns[0].shape[0], _CHUNK):
            t, x, y, p = (column[first : first + _CHUNK] for column in columns)
            for name, values, end in (("t", t, 2**62), ("x", x, 2**16), ("y", y, 2**16)):
                if values.min() < 0 or values.max() >= end:
                    raise ValueError(f"{name} of events {first} to {first + len(t) - 1} is damaged")
            if not np.isin(p, (-1, 0, 1)).all():
                raise ValueError(f"p of events {first} to {first + len(t) - 1} is not 0 or 1")
            yield packed(t.astype(np.int64) + offset, x, y, p > 0)


READERS: dict[str, Callable[[str], Iterator[Any]]] = {"aedat4": aedat4, "hdf5": hdf5}


def answer(out: BinaryIO, letter: bytes, content: bytes = b"") -> None:
    """Write one block."""
    out.write(letter + len(content).to_bytes(8, "little") + content)
    out.flush()


def serve(request: dict[str, str], out: BinaryIO) -> None:
    """Read one file, and answer with what it holds."""
    found = READERS[request["format"]](request["path"])
    try:
        answer(out, b"S", json.dumps(next(found)).encode())
        for events in found:
            answer(out, b"E", events.tobytes())
    # Panics of Rust derive from BaseException.
    except BaseException as error:
        text = " ".join(str(error).split()) or type(error).__name__
        answer(out, b"X", text[:300].encode("utf-8", "replace"))
    else:
        answer(out, b"D")


def main() -> None:
    """Answer requests until standard input ends."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (ImportError, ValueError, OSError):
        pass  # not on this system, or a lower limit stands
    # Libraries may print: only blocks go to the parent.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    for line in sys.stdin:
        serve(json.loads(line), out)


if __name__ == "__main__":
    main()
