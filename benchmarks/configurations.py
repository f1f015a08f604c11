"""Networks of the benchmarks: one layer on 2 x size x size inputs, with the same input spikes."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scnnbio.connectors import ConvolutionConnector
from scnnbio.encoding import LGN, Encoding, PoissonCode
from scnnbio.experiment import Experiment
from scnnbio.network import Network, Projection
from scnnbio.neurons import LIF
from scnnbio.plasticity import SharedSTDP
from scnnbio.population import Population, SpikeSource
from scnnbio.stimuli import WhiteNoise

#: Input rates in Hz, each for one segment of a run.
RATES = (5.0, 20.0)

#: Length in ms, and number, of the trials in which input alone is measured.
TRIAL, INPUT_TRIALS = 100.0, 50

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
#: All-to-all pairs with hard bounds at 0 and 1. The rates are small: every place adds its own.
STDP: dict[str, Any] = {"tau_plus": 20.0, "tau_minus": 30.0, "a_plus": 1e-6, "a_minus": 1e-6}


@dataclass(eq=False)
class Drawn:
    """Input spikes of a run of one trial, in place of those that an experiment draws.

    Parameters
    ----------
    step : ndarray of int64 (spikes,)
        Stamps in steps, sorted.
    unit : ndarray of int32 (spikes,)
        Cells (channel, row, column).
    drawn : int
        Number of spikes passed on; the backend counts them here.
    """

    step: NDArray[np.int64]
    unit: NDArray[np.int32]
    drawn: int = 0

    def trials(self, first: int = 0) -> Iterator[tuple[NDArray[np.int32], NDArray[np.int32]]]:
        """The one trial."""
        yield self.step.astype(np.int32), self.unit


class Poisson:
    """Input spikes at the lower rate, each trial drawn when the backend reads it, as in a run."""

    def __init__(self, configuration: Configuration) -> None:
        self.drive = np.full((1, 2 * configuration.size**2), RATES[0])
        self.code, self.dt = PoissonCode(gain=1.0, max_rate=RATES[0]), configuration.dt
        #: Number of spikes passed on, which the backend counts here, and CPU seconds to draw them.
        self.drawn, self.draw_s = 0, 0.0

    def trials(self, first: int = 0) -> Iterator[tuple[NDArray[np.int32], NDArray[np.int32]]]:
        """Draw the spikes of one trial after another."""
        for trial in range(first, INPUT_TRIALS):
            begin = time.process_time()
            rng = np.random.default_rng([7, trial])
            step, unit = self.code.spikes(self.drive, TRIAL, self.dt, rng)
            self.draw_s += time.process_time() - begin
            self.drawn += len(step)
            yield step, unit


@dataclass(frozen=True)
class Configuration:
    """A layer of ``maps`` kernels of ``kernel`` x ``kernel`` on 2 x ``size`` x ``size`` cells."""

    size: int
    kernel: int
    maps: int
    dt: float
    #: Length of a segment in ms.
    segment: float
    #: Whether the kernel learns, by pair STDP.
    plastic: bool = False

    @property
    def name(self) -> str:
        """Name in the tables."""
        layer = f"2x{self.size}x{self.size}, {self.kernel}x{self.kernel}→{self.maps}"
        return f"{'STDP, ' if self.plastic else ''}{layer}, dt {self.dt:g}"

    @property
    def weight(self) -> float:
        """Increment of the current per spike for a kernel element of 1, in nA."""
        return 1.8 / self.kernel**2 if self.plastic else 1.0

    @property
    def segment_steps(self) -> int:
        return round(self.segment / self.dt)

    @property
    def out(self) -> int:
        """Number of rows of the layer, and of columns."""
        return self.size - self.kernel + 1

    @property
    def neurons(self) -> int:
        return self.maps * self.out**2

    @property
    def synapses(self) -> int:
        """Number of connections of the layer, as in a list of synapses."""
        return self.neurons * 2 * self.kernel**2

    def weights(self) -> NDArray[np.float64]:
        """Kernel (out, in, row, column): low mean, large variance; within bounds if plastic."""
        rng = np.random.default_rng(3)
        shape = (self.maps, 2, self.kernel, self.kernel)
        if self.plastic:
            return rng.uniform(0.3, 0.7, shape)
        return rng.normal(0.15, 1.0, shape) / np.sqrt(2 * self.kernel**2)

    def inputs(self) -> Drawn:
        """Poisson spikes, segment after segment."""
        drive = np.repeat(np.array(RATES)[:, None], 2 * self.size**2, axis=1)
        code = PoissonCode(gain=1.0, max_rate=max(RATES))
        rng = np.random.default_rng(7)
        step, unit = code.spikes(drive, self.segment * len(RATES), self.dt, rng)
        return Drawn(step.astype(np.int64), unit)

    def network(self) -> Network:
        """The network, described as a user of scnnbio would."""
        connector = ConvolutionConnector(self.weights(), (2, self.size, self.size))
        return Network(
            (
                Population("lgn", (2, self.size, self.size), SpikeSource()),
                Population("v1", connector.out_shape, LIF, parameters=NEURON),
            ),
            (
                Projection(
                    "lgn",
                    "v1",
                    connector,
                    weight=self.weight,
                    delay=DELAY,
                    plasticity=SharedSTDP(**STDP, bounds="hard") if self.plastic else None,
                ),
            ),
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

    def input_alone(self) -> Experiment:
        """The same input cells, trial by trial, with a single neuron that two of them reach."""
        shape = (2, self.size, self.size)
        kernel = np.full((1, 2, 1, 1), 1e-9)
        connector = ConvolutionConnector(kernel, shape, stride=(self.size, self.size))
        neuron = Population("v1", (1, 1, 1), LIF, parameters=NEURON)
        return Experiment(
            Network(
                (Population("lgn", shape, SpikeSource()), neuron),
                (Projection("lgn", "v1", connector, delay=DELAY),),
            ),
            WhiteNoise(n_trials=INPUT_TRIALS, duration=TRIAL, frame=TRIAL),
            Encoding(LGN(), PoissonCode()),
            dt=self.dt,
        )


#: Length of a segment in ms: long enough to be measured, short enough for the slowest program.
_SEGMENTS = {(32, 0.1): 500.0, (32, 1.0): 3000.0, (128, 0.1): 50.0, (128, 1.0): 300.0}

EIGHT = tuple(
    Configuration(size, kernel, maps, dt, _SEGMENTS[size, dt])
    for size, (kernel, maps), dt in itertools.product((32, 128), ((5, 16), (7, 32)), (0.1, 1.0))
)

#: The larger layers, in which threads have enough work.
LARGE = tuple(c for c in EIGHT if c.size == 128)

#: The input of the larger layers (32,768 cells), once per time step.
INPUTS = tuple(c for c in LARGE if c.kernel == 5)

#: With a kernel that learns.
LEARNING = (
    Configuration(32, 5, 32, 0.1, 200.0, plastic=True),
    Configuration(32, 5, 32, 1.0, 1500.0, plastic=True),
    Configuration(128, 5, 16, 1.0, 200.0, plastic=True),
)

#: The same number of neurons, with kernels of 1 to 31 pixels: 1e5 to 1e8 synapses.
GROWTH = tuple(
    Configuration(size, kernel, 16, 1.0, 200.0)
    for kernel in (1, 5, 15, 31)
    for size in [60 + kernel - 1]
)

#: A layer of 46.7 million synapses, and the same layer on more input: 1.1e9 and 4.3e9 synapses.
BILLIONS = tuple(Configuration(size, 7, 32, 1.0, 100.0) for size in (128, 600, 1180))
