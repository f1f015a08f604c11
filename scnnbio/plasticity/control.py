"""What goes with a learning rule, as data: normalisation, growth of its rate, and competition."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, final

import numpy as np
from numpy.typing import NDArray

from scnnbio.errors import SpecError
from scnnbio.plasticity._fields import check_choice, check_positive, inside, make_plain, whole
from scnnbio.units import In, Milliseconds, Number, plain_array
from scnnbio.values import Value


@final
@dataclass(frozen=True)
class Normalisation(Value):
    """Holds the size of each output map's kernel at a target.

    At the end of every ``period``, after the last step's resets, the kernel of each output map, all
    its inputs and places together, is multiplied by ``target`` divided by its norm, and then
    clipped to the rule's bounds. The norm equals the target unless a weight was clipped. A kernel
    of zeros does not change.

    Parameters
    ----------
    target : float
        The norm of every kernel after normalisation.
    norm : {"l1", "l2"}
        "l1": the sum of sizes, which is the sum where no weight is negative. "l2": the root of the
        sum of squares.
    period : float, optional
        In ms since the run began, a whole number of steps; None is the end of every trial.

    Raises
    ------
    SpecError
        If the target or the period is not positive.

    References
    ----------
    von der Malsburg 1973, Kybernetik 14:85 (a fixed sum); Oja 1982, J Math Biol 15:267 (a fixed
    length).
    """

    target: Number
    norm: Literal["l1", "l2"] = "l1"
    period: Milliseconds | None = None

    def __post_init__(self) -> None:
        where = "plasticity.normalisation"
        make_plain(self, where, "1", "target")
        make_plain(self, where, "ms", optional=("period",))
        check_positive(self, where, "", "target")
        check_positive(self, where, "ms", "period")
        check_choice(self.norm, ("l1", "l2"), f"{where}.norm")

    def norms(self, kernel: Annotated[NDArray[np.float64], In("1")]) -> NDArray[np.float64]:
        """Norm of each output map's kernel (out,), from a kernel (out, ...)."""
        kernel = plain_array(kernel, "1", where="kernel")
        flat = kernel.reshape(len(kernel), -1)
        return np.abs(flat).sum(axis=1) if self.norm == "l1" else np.sqrt((flat**2).sum(axis=1))


@final
@dataclass(frozen=True)
class Growth(Value):
    """A learning rate that grows from one block of trials to the next.

    All changes of a rule are multiplied by a rate, which is 1 at first. When another ``every``
    trials are over, it is multiplied by ``factor`` and cut to ``limit``. It begins at 1 again in
    each run.

    Parameters
    ----------
    every : int
        Trials between two steps of the rate.
    limit : float
        The largest rate, as a multiple of the first one; at least 1.
    factor : float
        Above 1.

    Raises
    ------
    SpecError
        If ``every`` is not a whole number of at least 1, or the rate does not grow.

    References
    ----------
    Mozafari et al. 2019, Front Neurosci 13:625 (SpykeTorch), with 0.004 for potentiation, doubled
    every 500 images until it is 0.15: ``Growth(500, limit=37.5)``.

    Examples
    --------
    >>> growth = Growth(every=500, limit=37.5)
    >>> [growth.rate(trial) for trial in (0, 499, 500, 2500, 3000, 60000)]
    [1.0, 1.0, 2.0, 32.0, 37.5, 37.5]
    """

    every: int
    limit: Number
    factor: Number = 2.0

    def __post_init__(self) -> None:
        where = "plasticity.growth"
        object.__setattr__(self, "every", whole(self.every, 1, inside(where, "every")))
        make_plain(self, where, "1", "limit", "factor")
        if self.factor <= 1:
            raise SpecError(
                f"{self.factor} is not above 1; a rate that falls has a half_life",
                where=inside(where, "factor"),
            )
        if self.limit < 1:
            raise SpecError(
                f"{self.limit} is below the first rate, which is 1", where=inside(where, "limit")
            )

    def rate(self, trial: int) -> float:
        """Factor on all changes in a trial, by its number; the first one is 0."""
        rate = 1.0
        for _ in range(trial // self.every):
            if rate == self.limit:
                break
            rate = min(rate * self.factor, self.limit)
        return rate


@final
@dataclass(frozen=True)
class WinnerTakeAll(Value):
    """Competition between the maps of a layer for learning, and optionally for firing, per trial.

    In each trial a map has one winner, the first of its neurons that fires where no other map has
    won: a winner keeps the neurons of the other maps from winning at every place within ``radius``
    rows and columns of its own, until the trial ends. Only winners learn, each at all of its spikes
    from the winning one on: a learning rule does not see the postsynaptic spikes of the others.

    Where several neurons cross their thresholds in one step, they are taken in the order of how far
    they crossed, the farthest first; ties are ordered by neuron number.

    Parameters
    ----------
    radius : int
        In places. With 0 different maps can win at neighbouring places.
    winners : int, optional
        Largest number of winners of all maps per trial; None for no limit except one per map.
    silence : bool
        Whether the first spike at a place keeps the neurons of the other maps at that place from
        firing until the trial ends, also where nothing learns. A silenced neuron integrates on, and
        where it crosses its threshold it is reset, but emits no spike.

    Raises
    ------
    SpecError
        If the radius is negative, or there are no winners.

    References
    ----------
    Kheradpisheh, Ganjtabesh, Thorpe & Masquelier 2018, Neural Netw 99:56 (one winner per map, local
    competition between maps, silencing); Mozafari et al. 2019, Front Neurosci 13:625 (a number of
    winners; ties by potential).
    """

    radius: int = 0
    winners: int | None = None
    silence: bool = False

    def __post_init__(self) -> None:
        for name, least in (("radius", 0), ("winners", 1)):
            value = getattr(self, name)
            if value is None and name == "winners":
                continue
            object.__setattr__(self, name, whole(value, least, inside("competition", name)))
        if not isinstance(self.silence, bool):
            raise SpecError(f"{self.silence!r} is not true or false", where="competition.silence")
