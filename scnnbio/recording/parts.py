"""All parts of a recording: restricted to some trials, and as a tree of arrays and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scnnbio.recording.checks import Shape
from scnnbio.recording.samples import Signal, Snapshots, Spikes, contents

Signals = Mapping[str, Mapping[str, Signal]]


def restrict(
    spikes: Mapping[str, Spikes],
    signals: Signals,
    snapshots: Mapping[str, Snapshots],
    chosen: NDArray[np.integer],
    n_trials: int,
) -> dict[str, Any]:
    """The parts within the chosen trials, of ``n_trials``, renumbered from 0."""
    renumbered = np.full(n_trials, -1, dtype=np.int32)
    renumbered[chosen] = np.arange(len(chosen), dtype=np.int32)
    new_spikes = {}
    for name, old in spikes.items():
        rows = np.flatnonzero(renumbered[old.trial] >= 0)
        parts = (old.time[rows], old.unit[rows], renumbered[old.trial[rows]])
        for part in parts:
            part.setflags(write=False)  # nothing else holds them, so that they need no copy
        new_spikes[name] = Spikes(*parts)
    new_signals: dict[str, dict[str, Signal]] = {}
    for name, variables in signals.items():
        new_signals[name] = {}
        for variable, s in variables.items():
            rows = np.flatnonzero(renumbered[s.trial] >= 0)
            new_signals[name][variable] = Signal(
                s.values[rows], s.unit, s.period, s.quantity, renumbered[s.trial[rows]],
                s.time[rows],
            )  # fmt: skip
    new_snapshots = {}
    before = np.append(renumbered, np.int32(-1))  # so that index -1 stays -1
    for name, shots in snapshots.items():
        rows = np.flatnonzero((shots.trial == -1) | (before[shots.trial] >= 0))
        new_snapshots[name] = Snapshots(before[shots.trial[rows]], shots.values[rows])
    return {"spikes": new_spikes, "signals": new_signals, "snapshots": new_snapshots}


def tree_of(
    shapes: Mapping[str, Shape],
    trials: Mapping[str, NDArray[Any]],
    spikes: Mapping[str, Spikes],
    signals: Signals,
    snapshots: Mapping[str, Snapshots],
) -> dict[str, Any]:
    """The parts as nested mappings of arrays, as stored in files."""
    return {
        "shapes": dict(shapes),
        "trials": dict(trials),
        "spikes": {name: contents(s) for name, s in spikes.items()},
        "signals": {
            name: {variable: contents(s) for variable, s in variables.items()}
            for name, variables in signals.items()
        },
        "snapshots": {name: contents(s) for name, s in snapshots.items()},
    }


def parts_of(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Inverse of :func:`tree_of`."""
    return {
        "spikes": {name: Spikes(**parts) for name, parts in tree["spikes"].items()},
        "trials": tree["trials"],
        "shapes": tree.get("shapes", {}),
        "signals": {
            name: {variable: Signal(**parts) for variable, parts in variables.items()}
            for name, variables in tree.get("signals", {}).items()
        },
        "snapshots": {
            name: Snapshots(**parts) for name, parts in tree.get("snapshots", {}).items()
        },
    }
