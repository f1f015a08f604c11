"""Background noise, drawn above the backends: trains of spikes, and pieces of currents."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from scnnbio.connectors import ConvolutionConnector
from scnnbio.inputs import Draw, Input
from scnnbio.inputs.base import Shape, Trial
from scnnbio.neurons.noise import OrnsteinUhlenbeckNoise
from scnnbio.population import Population
from scnnbio.stimuli.base import count, positive
from scnnbio.units import Hertz, Milliseconds, plain

#: Begins the spawn keys of noise; those of what inputs draw begin otherwise or are shorter.
_OF_NOISE = 2
#: Numbers that are drawn at a time. The draws do not depend on it.
_AT_ONCE = 2**18
#: With less than this chance a neuron gets more spikes in a step than its digits can hold.
_BEYOND = 1e-12


def noise_generator(seed: int, trial: int, population: str, place: int) -> np.random.Generator:
    """The source of chance of one noise of a population in one trial."""
    key = (_OF_NOISE, zlib.crc32(population.encode()), place)
    return np.random.default_rng(np.random.SeedSequence([seed, trial], spawn_key=key))


def wandering(
    noise: OrnsteinUhlenbeckNoise, size: int, dt: float, steps: int, rng: np.random.Generator
) -> Iterator[NDArray[np.float64]]:
    """Values of an Ornstein-Uhlenbeck process for each neuron in one step after another.

    Parameters
    ----------
    noise : OrnsteinUhlenbeckNoise
    size : int
        Neurons.
    dt : float
        Step (ms).
    steps : int
    rng : numpy.random.Generator

    Yields
    ------
    ndarray (size,)
        The first is drawn from the stationary distribution.
    """
    left, new = noise.step(dt)
    mean, rows = float(noise.mean), max(1, _AT_ONCE // size)
    away = float(noise.sigma) * rng.standard_normal(size)
    for begin in range(0, steps, rows):
        drawn = rng.standard_normal((min(rows, steps - begin), size))
        drawn *= new
        for row in drawn:
            values = mean + away
            yield np.maximum(values, 0.0) if noise.conducts else values
            away = left * away + row


def binary_digits(mean: float) -> int:
    """Binary digits that tell a Poisson number of this mean, but for a chance of 1e-12."""
    digits = 1
    while True:
        n = 2**digits
        # The chance of n or more is at most this for n above the mean (a geometric series).
        if n > mean and (mean == 0 or _log_chance(n, mean) < math.log(_BEYOND)):
            return digits
        digits += 1


def _log_chance(n: int, mean: float) -> float:
    return n * math.log(mean) - mean - math.lgamma(n + 1) - math.log1p(-mean / (n + 1))


def noise_source(population: Population, name: str, digits: int) -> tuple[Shape, Any]:
    """Shape of the source of a Poisson noise, and its connector.

    A source's neuron fires once a step at most. So the number of spikes of a neuron in a step is
    sent as binary digits by as many neurons, whose weights are 1, 2, 4, ...
    """
    channels, rows, columns = population.shape
    shape = (channels * digits, rows, columns)
    kernel = np.broadcast_to(2.0 ** np.arange(digits), (channels, digits))
    connector = ConvolutionConnector(kernel[:, :, np.newaxis, np.newaxis], shape, groups=channels)
    return shape, connector


@final
@dataclass(frozen=True, eq=False)
class NoiseSpikes(Input):
    """The spikes of a Poisson noise, their number in each step in binary digits.

    Parameters
    ----------
    population : str
        That gets the noise.
    place : int
        Of the noise among those of the population.
    rate : float
        Of each neuron's train (Hz).
    size : tuple of int
        Shape of the population.
    digits : int
    n_trials : int
    duration : float
        Of each trial (ms).
    """

    population: str
    place: int
    rate: Hertz
    size: Shape
    digits: int
    n_trials: int = 1
    duration: Milliseconds = 0.0

    def __post_init__(self) -> None:
        where = "NoiseSpikes"
        object.__setattr__(self, "rate", plain(self.rate, "Hz", where=f"{where}.rate"))
        object.__setattr__(self, "n_trials", count(self.n_trials, f"{where}.n_trials"))
        object.__setattr__(self, "duration", positive(self.duration, "ms", f"{where}.duration"))

    @property
    def shape(self) -> tuple[int | None, int | None, int | None]:
        """As many channels for each of the population's as there are digits."""
        channels, rows, columns = self.size
        return channels * self.digits, rows, columns

    def table(self) -> dict[str, NDArray[Any]]:
        """Nothing."""
        return {}

    def spikes(self, trial: int, draw: Draw) -> Trial:
        """Spikes of one trial. See :meth:`Input.spikes`.

        All spikes of all neurons are as many as a Poisson number says, and each is in any step of
        any neuron with equal chance: the number in each is then Poisson distributed, independently.
        """
        _, rows, columns = self.size
        size, steps = math.prod(self.size), round(self.duration / draw.dt)
        mean = self.rate * draw.dt / 1000.0
        length = max(1, min(steps, int(_AT_ONCE / (mean * size + 1e-9))))
        parts: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
        for begin in range(0, steps, length):
            cells = min(length, steps - begin) * size
            where = draw.rng.integers(0, cells, draw.rng.poisson(mean * cells))
            cell, number = np.unique(where, return_counts=True)
            step, unit = np.divmod(cell, size)
            channel, place = np.divmod(unit, rows * columns)
            bits = [(number >> digit) & 1 == 1 for digit in range(self.digits)]
            units = [
                ((channel * self.digits + digit) * rows * columns + place)[one]
                for digit, one in enumerate(bits)
            ]
            stamps = [step[one] + begin + 1 for one in bits]
            joined = np.concatenate(stamps), np.concatenate(units)
            order = np.lexsort(joined[::-1])
            parts.append((joined[0][order], joined[1][order]))
        step, unit = (np.concatenate(column) for column in zip(*parts, strict=True))
        return step.astype(np.int32), unit.astype(np.int32)
