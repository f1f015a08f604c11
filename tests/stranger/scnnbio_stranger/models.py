"""A model: a function that returns a network; a document gives it parameters."""

import numpy as np

from scnnbio import (
    ConvolutionConnector,
    DenseConnector,
    Network,
    Population,
    Projection,
    SpikeSource,
)
from scnnbio_stranger.connectors import RingConnector
from scnnbio_stranger.neurons import LIF_SLOW
from scnnbio_stranger.rules import AntiHebbian


def two_senses(*, maps: int = 4, cells: int = 8, touch: int = 6, seed: int = 0) -> Network:
    """Cells that see rings and feel touch, and that inhibit those around them."""
    rng = np.random.default_rng(seed)
    seen = ConvolutionConnector(rng.uniform(0.2, 0.8, (maps, 2, 3, 3)), (2, cells, cells))
    shape = seen.out_shape
    felt = DenseConnector(rng.uniform(0.0, 1.0, (int(np.prod(shape)), touch)), (touch, 1, 1), shape)
    return Network(
        (
            Population("lgn", (2, cells, cells), SpikeSource()),
            Population("skin", (touch, 1, 1), SpikeSource()),
            Population("layer", shape, LIF_SLOW),
        ),
        (
            Projection("lgn", "layer", seen, weight=1.2, plasticity=AntiHebbian()),
            Projection("skin", "layer", felt, weight=0.1, receptor="slow"),
            Projection("layer", "layer", RingConnector(shape), weight=-0.5, receptor="inhibitory"),
        ),
    )
