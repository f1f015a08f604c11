"""Layers shown to the event-driven backend, for its tests."""

from __future__ import annotations

import numpy as np

from scnnbio import backends
from scnnbio.encoding import LGN, Encoding
from scnnbio.experiment import Experiment, Record, Run, Sampling
from scnnbio.network import Network
from scnnbio.stimuli import WhiteNoise
from tests.backends.test_reference import Given

EXACT = backends.get("event-driven")
SILENT = np.zeros((1, 2, 1, 1))
ONE = np.ones((1, 2, 1, 1))


def shown(
    network: Network,
    times: tuple[tuple[float, int], ...] = (),
    duration: float = 60.0,
    dt: float = 0.1,
    period: float | None = None,
    n_trials: int = 1,
    **options: object,
) -> Experiment:
    """Given spikes, shown to a network; v is sampled where a period is given."""
    names = [p.name for p in network.populations if not p.is_source]
    signals = tuple(Sampling(n, ("v",), period=period) for n in names) if period else ()
    return Experiment(
        network,
        WhiteNoise(n_trials=n_trials, duration=duration, frame=duration),
        Encoding(LGN(normalisation_sigma=0.0), Given(times)),
        Record(spikes=tuple(names), signals=signals),
        dt=dt,
        **options,
    )


def fired(run: Run, population: str = "post") -> np.ndarray:
    return run.recording.spikes[population].time


def psp(t: np.ndarray | float, current: float, tau_m: float, tau_s: float) -> np.ndarray:
    """Potential that a current ``current exp(-t/tau_s)`` leaves on 1 nF (mV)."""
    gain = current * tau_m * tau_s / (tau_m - tau_s)
    return gain * (np.exp(-t / tau_m) - np.exp(-t / tau_s))
