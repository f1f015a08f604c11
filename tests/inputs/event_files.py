"""Small event files of every format, and damage to them."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from scnnbio.inputs import Events

REAL = Path(__file__).parents[3] / "shared" / "data" / "events"
#: Rows and columns; no other format than N-MNIST's has a sensor of its own.
SIZE = (34, 34)


def some_events(n: int = 1200, seed: int = 0, size: tuple[int, int] = SIZE) -> Events:
    """Events at random pixels, a few us apart."""
    rng = np.random.default_rng(seed)
    t = np.cumsum(rng.integers(0, 60, n))
    y, x = rng.integers(0, size[0], n), rng.integers(0, size[1], n)
    return Events(t, x, y, rng.integers(0, 2, n), size)


def columns(events: Events) -> tuple[np.ndarray, ...]:
    return tuple(np.asarray(getattr(events, name)).astype(np.int64) for name in "txyp")


def as_faery(events: Events, path: Path, **how: Any) -> None:
    """Written by faery, in six packets."""
    import faery

    t, x, y, p = columns(events)
    table = np.zeros(len(t), faery.EVENTS_DTYPE)
    table["t"], table["x"], table["y"], table["on"] = t, x, y, p
    stream = faery.file_encoder.events_to_file
    rows, wide = events.size
    stream(np.array_split(table, 6), path, (wide, rows), zero_t0=False, **how)


def as_nmnist(events: Events, path: Path) -> None:
    """By the layout that Orchard et al. describe, bit by bit."""
    t, x, y, p = columns(events)
    content = b"".join(
        struct.pack(">BBBBB", a, b, c << 7 | when >> 16, when >> 8 & 255, when & 255)
        for when, a, b, c in zip(t.tolist(), x.tolist(), y.tolist(), p.tolist(), strict=True)
    )
    path.write_bytes(content)


def as_aedat3(events: Events, path: Path) -> None:
    """By AEDAT 3.1's layout: packets of polarity events, with one invalid event each."""
    out = io.BytesIO()
    out.write(b"#!AER-DAT3.1\r\n#Format: RAW\r\n#Source 1: DVS128\r\n#!END-HEADER\r\n")
    out.write(struct.pack("<HHIIIIII", 0, 1, 4, 0, 0, 1, 1, 1) + b"abcd")  # another kind of packet
    for part in np.array_split(np.stack(columns(events), axis=1), 6):
        number = len(part) + 1
        out.write(struct.pack("<HHIIIIII", 1, 1, 8, 4, 0, number, number, len(part)))
        out.write(struct.pack("<II", 0, 0))
        for t, x, y, p in part.tolist():
            out.write(struct.pack("<II", x << 17 | y << 2 | p << 1 | 1, t))
    path.write_bytes(out.getvalue())


def as_hdf5(events: Events, path: Path, offset: int = 0) -> None:
    """By DSEC's layout, compressed as its files are."""
    import h5py
    import hdf5plugin

    kinds = {"t": np.uint32, "x": np.uint16, "y": np.uint16, "p": np.uint8}
    with h5py.File(path, "w") as file:
        for name, values in zip("txyp", columns(events), strict=True):
            values = values - offset * (name == "t")
            file.create_dataset(
                f"events/{name}", data=values.astype(kinds[name]), chunks=(min(256, len(values)),),
                **hdf5plugin.Blosc(cname="zstd"),
            )  # fmt: skip
        file["t_offset"] = offset
        file.attrs.update(height=events.size[0], width=events.size[1])


def as_arrays(events: Events, path: Path) -> None:
    t, x, y, p = columns(events)
    np.savez(path, t=t, x=x, y=y, p=p, size=np.array(events.size))


#: Format → ending, and how it is written.
WRITERS: dict[str, tuple[str, Callable[[Events, Path], None]]] = {
    "nmnist": (".bin", as_nmnist),
    "es": (".es", as_faery),
    "evt2": (".raw", lambda e, path: as_faery(e, path, version="evt2")),
    "evt3": (".raw", lambda e, path: as_faery(e, path, version="evt3")),
    "dat": (".dat", as_faery),
    "aedat3": (".aedat", as_aedat3),
    "aedat4": (".aedat4", as_faery),
    "hdf5": (".h5", as_hdf5),
    "arrays": (".npz", as_arrays),
}


def written(kind: str, folder: Path, events: Events | None = None) -> Path:
    """A file of a format."""
    ending, write = WRITERS[kind]
    path = folder / f"events_{kind}{ending}"
    write(some_events() if events is None else events, path)
    return path


def damaged(content: bytes, rng: np.random.Generator) -> bytes:
    """The content, cut off, changed, lengthened or replaced."""
    good = bytearray(content)
    how = rng.integers(8)
    at = int(rng.integers(len(good)))
    noise = rng.integers(0, 256, int(rng.integers(1, 60)), dtype=np.uint8).tobytes()
    if how == 0:
        return bytes(good[:at])
    if how == 1:  # a header
        for _ in range(rng.integers(1, 6)):
            good[int(rng.integers(min(400, len(good))))] = int(rng.integers(256))
    elif how == 2:
        good[at:at] = noise
    elif how == 3:
        del good[at : at + len(noise)]
    elif how == 4:
        good[at : at + 400] = bytes(len(good[at : at + 400]))
    elif how == 5:
        good[at : at + 4] = b"\xff" * len(good[at : at + 4])
    elif how == 6:
        return bytes(good[:40]) + rng.bytes(int(rng.integers(0, 4000)))
    else:
        for _ in range(rng.integers(1, 20)):
            good[int(rng.integers(len(good)))] = int(rng.integers(256))
    return bytes(good)
