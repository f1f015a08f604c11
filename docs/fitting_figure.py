"""A fit to a simulated cell: GLIF3, with noise in the membrane that no model can know.

make pictures ONLY=fitting    # writes docs/images/fitting.png
"""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from scnnbio import Experiment, Network, Population, Record, Sampling, backends, fit, glif
from scnnbio.figures.fitting import fit_figure
from scnnbio.fitting import Fit, Search
from scnnbio.inputs import FromCurrents
from scnnbio.recording import Sweep

DT, STEPS = 0.2, 3000
#: Mean and standard deviation of the injected currents, as shares of the rheobase; the first two
#: sweeps have one current.
CURRENTS = {"1a": (1.4, 0.8), "1b": (1.4, 0.8), "2": (1.0, 0.8)}


def sweeps(seed: int = 3) -> list[Sweep]:
    """Sweeps of the median GLIF3 cell, with noise in the membrane and 0.3 mV of measurement."""
    rng = np.random.default_rng(seed)
    cell = {n: p.default for n, p in glif(3).parameters.items()}
    rheobase = (cell["v_thresh"] - cell["v_rest"]) * cell["cm"] / cell["tau_m"]
    shapes = {mean_sd: _noise(rng) for mean_sd in CURRENTS.values()}
    currents = {n: rheobase * (m + s * shapes[m, s]) for n, (m, s) in CURRENTS.items()}
    step = np.zeros(STEPS)
    step[STEPS // 4 : 3 * STEPS // 4] = 1.6 * rheobase
    currents["step"] = step
    # What synapses and channels add, which is not recorded.
    reaching = [c + 0.08 * rheobase * _noise(rng) for c in currents.values()]
    population = Population("cell", (1, len(currents), 1), glif(3))
    experiment = Experiment(
        Network((population,), ()),
        inputs={
            "cell": FromCurrents(np.stack(reaching, axis=1)[:, None, :, None], frame=DT, unit="nA")
        },
        record=Record(("cell",), (Sampling("cell", ("v",)),)),
        dt=DT,
    )
    recording = backends.get("reference").run(experiment).recording
    potential = recording.signals["cell"]["v"].values.copy()
    potential += 0.3 * rng.standard_normal(potential.shape)
    spikes = recording.spikes["cell"]
    steps = np.round(spikes.time / DT).astype(int)
    for late, height in enumerate((0.0, 25.0, 5.0, -25.0)):
        inside = steps + late < STEPS
        potential[steps[inside] + late, spikes.unit[inside]] = height
    return [Sweep(c, potential[:, k], DT, n) for k, (n, c) in enumerate(currents.items())]


def _noise(rng: np.random.Generator) -> NDArray[np.float64]:
    """An Ornstein-Uhlenbeck process of variance 1 and 5 ms."""
    keeps = np.exp(-DT / 5.0)
    found, pushes = np.zeros(STEPS), rng.standard_normal(STEPS) * np.sqrt(1 - keeps**2)
    for k in range(1, STEPS):
        found[k] = keeps * found[k - 1] + pushes[k]
    return found


def shown_fit(model: str = "GLIF3") -> Fit:
    """Two sweeps of noise and a step; the other noise is held out."""
    after = ["asc_amp1", "asc_amp2"] if model == "GLIF3" else []
    return fit(
        model,
        sweeps(),
        ["v_rest", "tau_m", "cm", "v_thresh", *after],
        bounds=dict.fromkeys(after, (-0.5, 0.5)),
        search=Search(generations=20),
        test=["2"],
        backend="reference",
    )


def fitting_figure() -> Figure:
    """The figure of that fit."""
    return fit_figure(shown_fit())


if __name__ == "__main__":
    for name in ("GLIF3", "GLIF1"):
        found = shown_fit(name)
        print(found, found.train.trace_error, found.reliability)
