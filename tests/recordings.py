"""Recordings that several tests share."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

import numpy as np

from scnnbio.recording import Recording, Signal, Snapshots, Spikes, write_sonata


def small() -> Recording:
    """Three trials of 10 ms, four units, a membrane potential of two of them."""
    return Recording(
        spikes={"v1": Spikes([1.0, 10.0, 5.0, 5.0], [0, 3, 2, 1], [0, 0, 2, 1])},
        shapes={"v1": (2, 1, 2)},
        trials={
            "stage": ["learn", "gratings", "gratings"],
            "start": [0.0, 10.0, 20.0],
            "duration": [10.0, 10.0, 10.0],
            "orientation": [np.nan, 0.0, 22.5],
            "name": ["", "ä", "β"],
        },
        signals={
            "v1": {
                "v": Signal(
                    values=np.arange(12.0).reshape(6, 2),
                    unit=[1, 3],
                    period=5.0,
                    quantity="mV",
                    trial=[0, 0, 1, 1, 2, 2],
                    time=[5.0, 10.0] * 3,
                )
            }
        },
        snapshots={"lgn_v1": Snapshots([-1, 0, 2], np.arange(6.0).reshape(3, 2))},
    )


def made(spikes, trials, shapes=None, *more, **named) -> Recording:  # type: ignore[no-untyped-def]
    """Recording whose shapes need not be given."""
    return Recording(spikes, shapes or {}, trials, *more, **named)


def random_recording(rng: np.random.Generator) -> Recording:
    n = 400
    return Recording(
        spikes={
            "v1": Spikes(rng.uniform(0, 100, n), rng.integers(0, 12, n), rng.integers(0, 5, n))
        },
        shapes={"v1": (3, 2, 2)},
        trials={"duration": np.full(5, 100.0), "orientation": np.arange(5.0)},
    )


def moved() -> Recording:
    """Spikes of two units while a bar moves."""
    spikes = Spikes(np.arange(1.0, 101.0), np.arange(100) % 2, np.zeros(100))
    trials = {"duration": [100.0], "direction": [0.0], "speed": [4.0]}
    return Recording({"v1": spikes}, {"v1": (2, 1, 1)}, trials)


@functools.cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory()


def spike_file() -> Path:
    """A SONATA file with the spikes of :func:`small`, 30 ms."""
    path = Path(_folder().name) / "spikes.h5"
    if not path.exists():
        write_sonata(small(), path, leave_out=["signals", "snapshots", "columns"])
    return path
