"""Networks and runs that the tests of SpiNNaker share."""

from __future__ import annotations

import numpy as np

from scnnbio import backends
from scnnbio.connectors import (
    ConvolutionConnector,
)
from scnnbio.experiment import Run
from scnnbio.network import Network, Projection
from scnnbio.neurons import LIBRARY, LIF
from scnnbio.population import Population, SpikeSource
from scnnbio.stimuli import WhiteNoise
from tests.oracles.spinnaker_board import driven


def pair(
    model: str = "LIF",
    receptor: str = "excitatory",
    weight: float = 1.0,
    kernel: np.ndarray | None = None,
    delay: float = 1.0,
    **parameters: object,
) -> Network:
    """Two inputs on each of a few neurons, one a map."""
    taps = np.array([[[[1.0]], [[0.0]]]]) if kernel is None else kernel
    return Network(
        (
            Population("lgn", (2, 1, 1), SpikeSource()),
            Population("v1", (len(taps), 1, 1), LIBRARY[model], parameters),
        ),
        (
            Projection(
                "lgn",
                "v1",
                ConvolutionConnector(taps, (2, 1, 1)),
                weight=weight,
                delay=delay,
                receptor=receptor,
            ),
        ),
    )


def ran(network: Network, **changes: object) -> Run:
    return backends.get("spinnaker").run(driven(network, **changes))  # type: ignore[arg-type]


def once(network: Network, **changes: object) -> tuple[Run, int]:
    """A run in which input 0 fires just once in the trial; the run, and that spike's step."""
    for seed in range(1, 200):
        experiment = driven(
            network, rate=8.0, seed=seed, stimulus=WhiteNoise(1, 60.0, 60.0), **changes
        )
        step, unit = experiment.input_spikes(0)
        mine = step[unit == 0]
        if len(mine) == 1 and mine[0] * experiment.dt < 30:
            return backends.get("spinnaker").run(experiment), int(mine[0])
    raise AssertionError("no seed has a single spike")


def refusal(network: Network, **changes: object) -> str:
    experiment = driven(network, **changes)  # type: ignore[arg-type]
    return " | ".join(map(str, backends.get("spinnaker").unsupported(experiment)))


def layers(**delays_of: float) -> Network:
    """A source before a layer of 300 neurons and a layer of 75, and two rows of planes behind it.

    Kernels of one element are lists where the stride is 2, and convolved where it is 1.
    """
    pooled = ConvolutionConnector(np.ones((12, 2, 1, 1)), (2, 10, 10), stride=2)
    few = ConvolutionConnector(np.ones((3, 2, 1, 1)), (2, 10, 10), stride=2)
    whole = ConvolutionConnector(np.ones((1, 2, 1, 1)), (2, 10, 10))
    connectors = {"wide": pooled, "small": few, "plane": whole}
    return Network(
        (
            Population("lgn", (2, 10, 10), SpikeSource()),
            *(Population(name, connectors[name].out_shape, LIF) for name in delays_of),
        ),
        tuple(
            Projection("lgn", name, connectors[name], delay=delay)
            for name, delay in delays_of.items()
        ),
    )
