"""A reward, which decides what becomes of the changes that a learning rule proposes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from scnnbio.errors import SpecError
from scnnbio.plasticity._fields import check_positive, make_plain
from scnnbio.units import Milliseconds, Number, plain_values
from scnnbio.values import Value


@final
@dataclass(frozen=True)
class Reward(Value):
    r"""A signal for a whole kernel, carried by the spikes of a population.

    A rule with a reward does not change weights at spikes. Its changes are added to the eligibility
    e of the kernel element, and the reward r moves the weight in each step::

        w += r * e

    Each spike of the population adds the value of its channel to r when it arrives. The population
    may be a source, whose spikes come from the trials, or neurons of the network, such as a critic
    that compares an output with its target.

    Parameters
    ----------
    population : str
        Name of the population.
    values : float or tuple of float (channels,)
        What a spike adds to r: one value for all channels, or one per channel. Negative values
        punish.
    delay : float
        From a spike to its arrival, in ms; a whole number of steps.
    tau : float, optional
        Time constant in ms with which r decays. None: r lasts for one step.

    Raises
    ------
    SpecError
        If the delay or the time constant is not positive, or there are no values.

    References
    ----------
    Florian 2007, Neural Comput 19:1468.
    """

    population: str
    values: Number | tuple[Number, ...] = 1.0
    delay: Milliseconds = 1.0
    tau: Milliseconds | None = None

    def __post_init__(self) -> None:
        where = "plasticity.reward"
        if not isinstance(self.population, str):
            raise SpecError(f"{self.population!r} is not a name", where=f"{where}.population")
        values = plain_values(self.values, "1", where=f"{where}.values")
        object.__setattr__(self, "values", values)
        make_plain(self, where, "ms", "delay", optional=("tau",))
        check_positive(self, where, "ms", "delay", "tau")

    def by_channel(self, channels: int) -> NDArray[np.float64]:
        """What a spike of each channel adds to the reward (channels,).

        Raises
        ------
        SpecError
            If there are several values, but not one for each of the ``channels``.
        """
        values = np.atleast_1d(np.asarray(self.values, dtype=float))
        if len(values) not in (1, channels):
            raise SpecError(
                f"{len(values)} values for {channels} channels of {self.population!r}; give one, or"
                " one per channel",
                where="plasticity.reward.values",
            )
        return np.broadcast_to(values, (channels,)).copy()
