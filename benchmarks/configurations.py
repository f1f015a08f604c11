"""What is measured: one layer on 2 x size x size inputs, and the spikes that everybody gets."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scnnbio.connectors import ConvolutionConnector
from scnnbio.encoding import LGN, Encoding, PoissonCode
from scnnbio.experiment import Experiment, Inputs
from scnnbio.network import Network, Population, Projection, SpikeSource
from scnnbio.neurons import LIF
from scnnbio.stimuli import WhiteNoise

#: Input rates in Hz, each for one segment of a run.
RATES = (5.0, 20.0)

#: The neuron in PyNN's units.
NEURON = {
    "tau_m": 20.0,
    "tau_syn_E": 5.0,
    "cm": 0.25,
    "v_rest": -70.0,
    "v_reset": -70.0,
    "v_thresh": -55.0,
    "tau_refrac": 2.0,
}
DELAY = 1.0


@dataclass(frozen=True)
class Configuration:
    """A layer of ``maps`` kernels of ``kernel`` x ``kernel`` on 2 x ``size`` x ``size`` cells."""

    size: int
    kernel: int
    maps: int
    dt: float
    #: Length of a segment in ms.
    segment: float

    @property
    def name(self) -> str:
        """As in the tables."""
        return f"2x{self.size}x{self.size}, {self.kernel}x{self.kernel}→{self.maps}, dt {self.dt:g}"

    @property
    def segment_steps(self) -> int:
        return round(self.segment / self.dt)

    @property
    def out(self) -> int:
        """Rows, and columns, of the layer."""
        return self.size - self.kernel + 1

    @property
    def neurons(self) -> int:
        return self.maps * self.out**2

    @property
    def synapses(self) -> int:
        """That a list of them would hold."""
        return self.neurons * 2 * self.kernel**2

    def weights(self) -> NDArray[np.float64]:
        """Kernel (out, in, row, column) in nA: a little excitation, much scatter."""
        rng = np.random.default_rng(3)
        shape = (self.maps, 2, self.kernel, self.kernel)
        return rng.normal(0.15, 1.0, shape) / np.sqrt(2 * self.kernel**2)

    def inputs(self) -> Inputs:
        """Poisson spikes, segment after segment."""
        drive = np.repeat(np.array(RATES)[:, None], 2 * self.size**2, axis=1)
        code = PoissonCode(gain=1.0, max_rate=max(RATES))
        rng = np.random.default_rng(7)
        step, unit = code.spikes(drive, self.segment * len(RATES), self.dt, rng)
        return Inputs(step.astype(np.int64), unit)

    def network(self) -> Network:
        """As a user of scnnbio writes it."""
        connector = ConvolutionConnector(self.weights(), (2, self.size, self.size))
        return Network(
            (
                Population("lgn", (2, self.size, self.size), SpikeSource()),
                Population("v1", tuple(connector.out_shape), LIF, parameters=NEURON),
            ),
            (Projection("lgn", "v1", connector, weight=1.0, delay=DELAY),),
        )

    def experiment(self) -> Experiment:
        """The network for as long as the input lasts, with nothing recorded."""
        duration = self.segment * len(RATES)
        return Experiment(
            self.network(),
            WhiteNoise(n_trials=1, duration=duration, frame=duration),
            Encoding(LGN(), PoissonCode()),
            dt=self.dt,
            reset=False,
        )


#: Long enough a segment to be measured, short enough for the slowest to end.
_SEGMENTS = {(32, 0.1): 500.0, (32, 1.0): 3000.0, (128, 0.1): 80.0, (128, 1.0): 300.0}

EIGHT = tuple(
    Configuration(size, kernel, maps, dt, _SEGMENTS[size, dt])
    for size, (kernel, maps), dt in itertools.product((32, 128), ((5, 16), (7, 32)), (0.1, 1.0))
)
