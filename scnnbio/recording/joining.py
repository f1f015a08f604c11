"""Concatenation of recordings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from scnnbio.errors import SpecError
from scnnbio.recording import absent
from scnnbio.recording.checks import Shape
from scnnbio.recording.record import Recording
from scnnbio.recording.samples import join
from scnnbio.recording.trials import join_tables


def concatenate(recordings: Sequence[Recording]) -> Recording:
    """Concatenate recordings: one recording with the trials of all, in the order given.

    A column that a recording lacks is NaN or ``""`` in its trials. ``start`` is not changed. A
    column ``not_recorded`` names the populations whose spikes a recording lacks: they cannot be
    counted in its trials, and are left out where only these are selected.

    Parameters
    ----------
    recordings : sequence of Recording
        Populations of the same name must have the same shape, and signals of the same name the
        same units, period and quantity.

    Returns
    -------
    Recording

    Raises
    ------
    SpecError
        If the sequence is empty, or two recordings do not fit together.
    """
    if not recordings:
        raise SpecError("no recordings; give at least one", where="concatenate")
    if len(recordings) == 1:
        return recordings[0]
    shapes: dict[str, Shape] = {}
    for recording in recordings:
        for name, shape in recording.shapes.items():
            if shapes.setdefault(name, shape) != shape:
                raise SpecError(
                    f"population {name!r} is {shapes[name]} in one recording and {shape} in"
                    " another; concatenate recordings of one network",
                    where="concatenate",
                )
    offsets = np.cumsum([0, *(r.n_trials for r in recordings)]).tolist()
    parts = list(zip(recordings, offsets, strict=False))
    return Recording(
        spikes={
            name: join([(r.spikes[name], o) for r, o in parts if name in r.spikes])
            for name in _union(r.spikes for r in recordings)
        },
        trials=join_tables(absent.tables([(r.spikes, r.trials) for r in recordings])),
        shapes=shapes,
        signals={
            name: {
                variable: join([
                    (r.signals[name][variable], o)
                    for r, o in parts
                    if variable in r.signals.get(name, {})
                ])
                for variable in _union(r.signals.get(name, {}) for r in recordings)
            }
            for name in _union(r.signals for r in recordings)
        },
        snapshots={
            name: join([(r.snapshots[name], o) for r, o in parts if name in r.snapshots])
            for name in _union(r.snapshots for r in recordings)
        },
    )  # fmt: skip


def _union(mappings: Iterable[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for mapping in mappings for name in mapping))
