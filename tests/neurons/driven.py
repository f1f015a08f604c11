"""Neurons driven by a constant current on the reference backend."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from scnnbio import backends
from scnnbio.connectors import ConvolutionConnector
from scnnbio.encoding import LGN, Encoding, PoissonCode
from scnnbio.experiment import Experiment, Record, Run, Sampling
from scnnbio.network import Network, Projection
from scnnbio.neurons import NeuronModel
from scnnbio.population import Population, SpikeSource
from scnnbio.stimuli import WhiteNoise


def run(
    model: NeuronModel,
    duration: float,
    dt: float = 0.1,
    variables: tuple[str, ...] = ("v",),
    maps: int = 1,
    initial: Mapping[str, float] | None = None,
    **parameters: object,
) -> Run:
    """One neuron a map; its input has weight zero."""
    connector = ConvolutionConnector(np.zeros((maps, 2, 1, 1)), (2, 1, 1))
    receptor = next(iter(model.receptors))
    return backends.get("reference").run(
        Experiment(
            Network(
                (
                    Population("pre", (2, 1, 1), SpikeSource()),
                    Population(
                        "post", (maps, 1, 1), model, parameters=parameters, initial=initial or {}
                    ),
                ),
                (Projection("pre", "post", connector, weight=1.0, receptor=receptor, delay=dt),),
            ),
            WhiteNoise(n_trials=1, duration=duration, frame=duration),
            Encoding(LGN(normalisation_sigma=0.0), PoissonCode(gain=0.0)),
            Record(spikes=("post",), signals=(Sampling("post", variables),)),
            dt=dt,
        )
    )


def spike_times(run: Run, unit: int = 0) -> np.ndarray:
    """Stamps of one neuron in ms."""
    spikes = run.recording.spikes["post"]
    return spikes.time[spikes.unit == unit]


def trace(run: Run, variable: str = "v") -> tuple[np.ndarray, np.ndarray]:
    """Times and values of the first neuron."""
    signal = run.recording.signals["post"][variable]
    return signal.time, signal.values[:, 0]


def values(model: NeuronModel, **changed: float) -> Mapping[str, float]:
    """Every parameter in plain units."""
    return {**{name: p.default for name, p in model.parameters.items()}, **changed}
