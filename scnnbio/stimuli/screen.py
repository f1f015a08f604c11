"""Stimuli on a screen in degrees of visual angle, with a table of conditions."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from scnnbio.errors import SpecError, not_one_of
from scnnbio.stimuli.base import Stimulus, bounded, check_request, count, positive, sequence
from scnnbio.units import Hertz, Milliseconds, Number, plain

Array = NDArray[np.float64]

_ORDERS = ("listed", "random")
#: Last elements of the seeds, so that order and content use independent random numbers.
_ORDER, _CONTENT = 0, 1


@dataclass(frozen=True, kw_only=True)
class OnScreen(Stimulus):
    """A stimulus on a screen: every combination of its parameters, repeated, in a seeded order.

    Parameters
    ----------
    pixels_per_degree : float
        Pixels of the screen per degree of visual angle.
    frame_rate : float
        Frames per second (Hz).
    duration : float
        Of a trial (ms); a whole number of frames.
    repeats : int
        How often each combination is shown.
    blanks : int
        Trials of mean grey, for the spontaneous rate.
    order : {"random", "listed"}
        ``"random"``: each repeat is a block in which every combination, and its share of the
        blanks, comes once in random order. ``"listed"``: the repeats change slowest, and the
        blanks come last.
    seed : int
        Seed of the order, and of random content.

    Notes
    -----
    The centre of the frame is (0, 0) deg, x runs to the right and y upwards. Luminance is taken
    at the centre of each pixel and at the middle of each frame. The ``rng``
    of :meth:`frames` is not used: two repeats of one condition are the same movie.
    """

    pixels_per_degree: Number = 16.0
    frame_rate: Hertz = 100.0
    duration: Milliseconds = 1000.0
    repeats: int = 1
    blanks: int = 0
    order: Literal["random", "listed"] = "random"
    seed: int = 0

    #: Columns that are 0, and not NaN, in a blank.
    zero_in_blanks: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        where = "stimulus"
        self._set(
            pixels_per_degree=positive(self.pixels_per_degree, "1", f"{where}.pixels_per_degree"),
            frame_rate=positive(self.frame_rate, "Hz", f"{where}.frame_rate"),
            duration=positive(self.duration, "ms", f"{where}.duration"),
            repeats=count(self.repeats, f"{where}.repeats"),
            blanks=count(self.blanks, f"{where}.blanks", least=0),
            seed=count(self.seed, f"{where}.seed", least=0),
        )
        if self.order not in _ORDERS:
            raise SpecError(not_one_of(self.order, _ORDERS), where=f"{where}.order")
        number = self.duration * self.frame_rate / 1e3
        if round(number) < 1 or abs(number - round(number)) > 1e-6 * number:
            raise SpecError(
                f"{self.duration:g} ms is {number:g} frames at {self.frame_rate:g} Hz; make it a "
                "whole number of frames",
                where=f"{where}.duration",
            )
        self._check()

    @abstractmethod
    def _check(self) -> None:
        """Set the parameters of the subclass to plain numbers, or raise a SpecError."""

    @abstractmethod
    def _factors(self) -> dict[str, tuple[float, ...]]:
        """Values of each parameter that makes a condition; the last changes fastest."""

    @abstractmethod
    def _movie(self, condition: Mapping[str, float], shape: tuple[int, int]) -> Array:
        """Frames of one condition: (n_frames, rows, columns)."""

    @property
    def n_frames(self) -> int:
        """Frames of a trial; 1 where nothing moves."""
        return round(self.duration * self.frame_rate / 1e3) if self._moves else 1

    @property
    def _moves(self) -> bool:
        return True

    @property
    def n_conditions(self) -> int:
        """Number of combinations, blanks not counted."""
        return math.prod(len(values) for values in self._factors().values())

    @property
    def n_trials(self) -> int:
        """Number of trials: combinations times repeats, and the blanks."""
        return self.n_conditions * self.repeats + self.blanks

    def table(self) -> dict[str, np.ndarray]:
        """Parameters of each trial, in the order in which the trials are shown.

        Returns
        -------
        dict of str to numpy.ndarray
            One column per parameter, and ``repeat`` (int, from 0), each (n_trials,). In a blank
            contrasts are 0 and the other parameters NaN.
        """
        shown = self._order >= 0
        table = {}
        for name, values in self._conditions.items():
            column = np.full(self.n_trials, 0.0 if name in self.zero_in_blanks else np.nan)
            column[shown] = values[self._order[shown]]
            table[name] = column
        table["repeat"] = self._repeat
        return table

    def frames(self, trial: int, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
        """Frames of one trial: (n_frames, rows, columns). See :meth:`Stimulus.frames`.

        Nothing is drawn from ``rng``.
        """
        check_request(self, trial, shape)
        condition = self.condition(trial)
        if condition < 0:
            return np.zeros((self.n_frames, *shape))
        return self._movie(self._shown(condition), shape)

    def _shown(self, condition: int) -> dict[str, float]:
        """Value of each parameter in a condition."""
        return {name: float(values[condition]) for name, values in self._conditions.items()}

    def condition(self, trial: int) -> int:
        """Number of the combination that a trial shows. See :meth:`Stimulus.condition`."""
        return int(self._order[trial])

    @cached_property
    def _conditions(self) -> dict[str, Array]:
        factors = self._factors()
        places = np.unravel_index(
            np.arange(self.n_conditions), [len(values) for values in factors.values()]
        )
        return {
            name: np.array(values, dtype=np.float64)[place]
            for (name, values), place in zip(factors.items(), places, strict=True)
        }

    @cached_property
    def _order(self) -> NDArray[np.int64]:
        """Condition of each trial; -1 for a blank."""
        every = np.arange(self.n_conditions)
        if self.order == "listed":
            return np.concatenate([np.tile(every, self.repeats), np.full(self.blanks, -1)])
        shares = np.bincount(np.arange(self.blanks) % self.repeats, minlength=self.repeats)
        blocks = [
            np.random.default_rng((self.seed, _ORDER, block)).permutation(
                np.concatenate([every, np.full(share, -1)])
            )
            for block, share in enumerate(shares)
        ]
        return np.concatenate(blocks)

    @cached_property
    def _repeat(self) -> NDArray[np.int64]:
        """How often the same condition was shown before each trial."""
        rank = np.empty(self.n_trials, dtype=np.int64)
        sorted_trials = np.argsort(self._order, kind="stable")
        ordered = self._order[sorted_trials]
        _, first, inverse = np.unique(ordered, return_index=True, return_inverse=True)
        rank[sorted_trials] = np.arange(self.n_trials) - first[inverse.ravel()]
        return rank

    def _content(self, number: float) -> np.random.Generator:
        """Random generator of the content with this number, independent of that of the order."""
        return np.random.default_rng((self.seed, _CONTENT, int(number)))

    def _set(self, **values: Any) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def _seconds(self) -> Array:
        """Middle of each frame (s), as (n_frames, 1, 1)."""
        n = self.n_frames
        middle = (np.arange(n, dtype=np.float64) + 0.5) * (self.duration / n / 1e3)
        return np.asarray(middle[:, None, None], dtype=np.float64)

    def _grid(self, shape: tuple[int, int]) -> tuple[Array, Array]:
        """X (1, columns) and y (rows, 1) of the pixels (deg)."""
        rows, columns = shape
        x = (np.arange(columns, dtype=np.float64) - (columns - 1) / 2) / self.pixels_per_degree
        y = ((rows - 1) / 2 - np.arange(rows, dtype=np.float64)) / self.pixels_per_degree
        return np.asarray(x[None, :]), np.asarray(y[:, None])

    def _check_spatial(self, frequency: float, name: str) -> None:
        """Raise for a spatial frequency (cycles/deg) that the pixels cannot represent."""
        highest = self.pixels_per_degree / 2
        if not 0 < frequency < highest:
            raise SpecError(
                f"{frequency:g} cycles/deg cannot be drawn with {self.pixels_per_degree:g} pixels "
                f"per deg; use values above 0 and below {highest:g}",
                where=f"stimulus.{name}",
            )

    def _check_temporal(self, frequency: float, name: str) -> None:
        """Raise for a temporal frequency (Hz) that the frames cannot represent."""
        if frequency >= self.frame_rate / 2:
            raise SpecError(
                f"{frequency:g} Hz needs more than {2 * frequency:g} frames per second, not "
                f"{self.frame_rate:g}",
                where=f"stimulus.{name}",
            )


def aperture(distance: Array, diameter: float, edge: float) -> Array:
    """Share of the light that a round aperture lets through, from 0 to 1.

    Parameters
    ----------
    distance : array
        From the centre of the aperture (deg).
    diameter : float
        deg; infinite for none.
    edge : float
        Width of the soft edge (deg): half a period of a cosine, whose middle is at the diameter.

    Returns
    -------
    array
        Of the shape of ``distance``.
    """
    if math.isinf(diameter):
        return np.ones_like(distance)
    beyond = distance - diameter / 2
    if edge == 0:
        return (beyond <= 0).astype(np.float64)
    return np.asarray(0.5 - 0.5 * np.sin(np.pi * np.clip(beyond / edge, -0.5, 0.5)))


def numbers(values: Any, unit: str, name: str, *, high: float = math.inf) -> tuple[float, ...]:
    """A list of numbers from 0 to ``high`` in ``unit``, or a SpecError."""
    where = f"stimulus.{name}"
    return tuple(bounded(v, unit, where, high=high) for v in sequence(values, where))


def signed(values: Any, unit: str, name: str) -> tuple[float, ...]:
    """A list of numbers in ``unit``, or a SpecError."""
    where = f"stimulus.{name}"
    return tuple(plain(v, unit, where=where) for v in sequence(values, where))


def place(value: Any, name: str) -> tuple[float, float]:
    """A place on the screen, (x, y) in deg, or a SpecError."""
    found = signed(value, "deg", name)
    if len(found) != 2:
        raise SpecError(f"{len(found)} values; write [x, y] in deg", where=f"stimulus.{name}")
    return found[0], found[1]
