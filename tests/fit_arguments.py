"""Arguments with which the tests call fits, sweeps of current clamp and their measures."""

from __future__ import annotations

from typing import Any

from scnnbio import LIF
from scnnbio.fitting import Search
from scnnbio.recording import Sweep

COINCIDENT: dict[str, Any] = {"data": [10.0, 20.0], "model": [11.0, 30.0], "duration": 100.0}

#: As in tests/public_arguments.py.
FIT_ARGUMENTS: dict[str, dict[str, Any]] = {
    "Sweep": {"current": [0.0, 0.5], "potential": [-70.0, -69.0], "period": 0.5},
    "Sweep.spikes": {"threshold": -20.0},
    "Sweep.on_grid": {"dt": 0.5},
    "read_sweeps": {"file": "absent.npz", "window": (1.0, 2.0)},
    "coincidences": COINCIDENT,
    "coincidence_factor": COINCIDENT,
    "pairs": {"first": [10.0, 20.0], "second": [11.0, 30.0], "window": 2.0},
    "reliability": {"trains": ([10.0, 20.0], [11.0, 30.0]), "duration": 100.0},
    "explained_variance": {"data": [1.0, 2.0, 4.0], "model": [1.0, 2.0, 3.0]},
    "Search": {"tolerance": 0.25},
    "fit": {
        "model": LIF, "sweeps": [Sweep([0.0, 0.5], [-70.0, -69.0], 0.5)], "free": ["cm"],
        "bounds": {"cm": (0.25, 0.5)}, "fixed": {"tau_m": 15.0}, "dt": 0.5,
        "search": Search(generations=1), "backend": "reference",
    },
}  # fmt: skip
