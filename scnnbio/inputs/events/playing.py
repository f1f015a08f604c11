"""Events as spikes of a source: each event is one spike of its pixel, at its time."""

from __future__ import annotations

from typing import Literal

import numpy as np

from scnnbio.errors import SpecError, not_one_of
from scnnbio.inputs.base import Shape, Trial
from scnnbio.inputs.events.stream import Events

#: Channels of the source: ON and OFF, one for both, or only one of them.
Polarity = Literal["both", "merged", "on", "off"]
#: What is done with several events of a neuron in one step.
Repeated = Literal["refuse", "merge"]
#: Tolerance, in steps, for times on the grid, since k * dt is rounded.
_ROUNDING = 1e-6


def check_choices(polarity: object, repeated: object, where: str) -> None:
    """Raise unless both are among the choices."""
    for name, value, known in (
        ("polarity", polarity, ("both", "merged", "on", "off")),
        ("repeated", repeated, ("refuse", "merge")),
    ):
        if value not in known:
            raise SpecError(not_one_of(value, known), where=f"{where}.{name}")


def channels(polarity: Polarity) -> int:
    """Number of channels of the source."""
    return 2 if polarity == "both" else 1


def played(
    events: Events,
    duration: float,
    dt: float,
    polarity: Polarity,
    repeated: Repeated,
    where: str,
) -> Trial:
    """Spikes of the events of one trial, whose times count from its beginning.

    An event acts at the end of the step that it falls into.

    Raises
    ------
    SpecError
        If an event is outside the trial, or a neuron has two in one step and ``repeated`` is
        ``"refuse"``.
    """
    if polarity in ("on", "off"):
        events = events.on() if polarity == "on" else events.off()
    t, unit = np.asarray(events.t), events.units("both" if polarity == "both" else "merged")
    outside = np.flatnonzero((t < 0) | (t > duration * 1e3 * (1 + 1e-12)))
    if outside.size:
        raise SpecError(
            f"an event at {t[outside[0]] / 1e3:g} ms is outside the trial of {duration:g} ms; cut"
            " the stream into slices, or choose a longer duration",
            where=where,
        )
    ratio = t / 1e3 / dt
    nearest = np.round(ratio)
    off = np.abs(ratio - nearest) > _ROUNDING
    # An event at the very beginning belongs to the first step.
    step = np.maximum(np.where(off, np.ceil(ratio), nearest), 1).astype(np.int64)
    size = channels(polarity) * events.size[0] * events.size[1]
    key = np.unique(step * size + unit)
    if len(key) < len(step) and repeated == "refuse":
        raise SpecError(
            f"{len(step) - len(key)} of {len(step)} events share their step of {dt:g} ms with"
            " another event of their neuron; lower dt, or merge them into one spike by"
            ' repeated = "merge"',
            where=where,
        )
    step, unit = np.divmod(key, size)
    return step.astype(np.int32), unit.astype(np.int32)


def shape_of(size: tuple[int, int], polarity: Polarity) -> Shape:
    """Shape of the source of a sensor."""
    return channels(polarity), *size
