"""Recordings in current clamp whose cell is known: simulated, with a spike shape and noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from scnnbio import Experiment, Network, Population, Record, Sampling, backends
from scnnbio.inputs import FromCurrents
from scnnbio.neurons import NeuronModel
from scnnbio.recording.sweeps import Sweep


def noisy_current(rng: np.random.Generator, n: int, dt: float, mean: float, sd: float) -> Any:
    """An Ornstein-Uhlenbeck current with a time constant of 3 ms (nA), step by step."""
    keeps = np.exp(-dt / 3.0)
    current, pushes = np.zeros(n), rng.standard_normal(n) * np.sqrt(1 - keeps**2)
    for k in range(1, n):
        current[k] = keeps * current[k - 1] + pushes[k]
    return mean + sd * current


def step_current(n: int, amplitude: float) -> Any:
    """A step in the middle half (nA)."""
    current = np.zeros(n)
    current[n // 4 : 3 * n // 4] = amplitude
    return current


def recorded(
    model: NeuronModel,
    parameters: Mapping[str, Any],
    currents: Sequence[Any],
    dt: float,
    noise: float = 0.0,
    seed: int = 0,
) -> list[Sweep]:
    """Sweeps of a cell: at each spike one sample is 30 mV; white noise of measurement is added."""
    n = len(currents)
    cells = Population("cell", (1, n, 1), model, parameters)
    values = np.stack(currents, axis=1)[:, None, :, None]
    experiment = Experiment(
        Network((cells,), ()),
        inputs={"cell": FromCurrents(values, frame=dt, unit="nA")},
        record=Record(("cell",), (Sampling("cell", ("v",)),)),
        dt=dt,
    )
    recording = backends.get("reference").run(experiment).recording
    potential = recording.signals["cell"]["v"].values.copy()
    spikes = recording.spikes["cell"]
    potential += noise * np.random.default_rng(seed).standard_normal(potential.shape)
    steps = np.round(spikes.time / dt).astype(int)
    inside = steps < len(potential)
    potential[steps[inside], spikes.unit[inside]] = 30.0
    return [Sweep(c, potential[:, k], dt, f"sweep{k}") for k, c in enumerate(currents)]
