"""A simulated event camera: events from the frames of any image, video or stimulus."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Annotated, Any, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scnnbio.errors import SpecError
from scnnbio.inputs.events.stream import Events
from scnnbio.stimuli.base import bounded, count, positive
from scnnbio.units import In, Milliseconds, Number, plain_array
from scnnbio.values import Value

#: A threshold of this many thresholds counts as reached, against rounding.
_REACHED = 1e-9
#: Least threshold of a pixel, as a part of the mean one.
_LEAST = 0.1


@final
@dataclass(frozen=True, eq=False)
class EventSensor(Value):
    r"""Pixels that report when the logarithm of their light has changed by a threshold.

    A pixel remembers the logarithm ``log(light + dark)`` of its last event. When it has risen by
    ``on`` since, it sends an ON event and remembers the new value; when it has fallen by ``off``,
    an OFF event. The first frame is what all pixels have adapted to.

    Parameters
    ----------
    on, off : float
        Thresholds, in natural logarithms: 0.2 is a change by 22 %.
    mismatch : float
        Standard deviation of the pixels' thresholds, as a part of the mean. It is drawn once, from
        ``seed``, and is no less than a tenth of the mean.
    refractory : float
        Time after an event in which a pixel sends none (ms). It then remembers the light at the
        end of that time.
    noise : float
        Rate of events that each pixel sends without a change (Hz), half of them ON.
    dark : float
        Light at which a pixel would see no light, in units of the mean light. Above 0 if the
        light can be 0.
    seed : int
        Of the mismatch.

    Raises
    ------
    SpecError
        If a value is out of range.

    Notes
    -----
    Between frames the logarithm is linear in time, so that a pixel whose logarithm changes by d
    sends ``floor(d / threshold)`` events, of which number k is at ``k threshold / d`` of the time.

    References
    ----------
    Lichtsteiner, Posch & Delbruck 2008, IEEE J Solid-State Circuits 43:566 (the pixel; an abstract
    of a talk on it by T. Delbruck has a mismatch of 2 % contrast); Rebecq, Gehrig & Scaramuzza
    2018, CoRL (linear interpolation between frames, as in their program). The papers were not read.
    """

    on: Number = 0.2
    off: Number = 0.2
    mismatch: Number = 0.0
    refractory: Milliseconds = 1.0
    noise: Annotated[float, In("Hz")] = 0.0
    dark: Number = 0.01
    seed: int = 0

    def __post_init__(self) -> None:
        where = "EventSensor"
        for name in ("on", "off"):
            object.__setattr__(self, name, positive(getattr(self, name), "1", f"{where}.{name}"))
        units = {"mismatch": "1", "refractory": "ms", "noise": "Hz", "dark": "1"}
        for name, unit in units.items():
            object.__setattr__(self, name, bounded(getattr(self, name), unit, f"{where}.{name}"))
        object.__setattr__(self, "seed", count(self.seed, f"{where}.seed", least=0))

    def record(
        self,
        light: Annotated[ArrayLike, In("1")],
        frame: Milliseconds,
        rng: np.random.Generator | None = None,
    ) -> Events:
        """Events of a movie.

        Parameters
        ----------
        light : array (frames, rows, columns)
            Light, in units of its mean or any other unit that suits ``dark``. A frame is what is
            seen at its beginning; from there on the logarithm changes linearly to the next one.
        frame : float
            From one frame to the next (ms).
        rng : numpy.random.Generator, optional
            Draws the noise; needed if there is any.

        Returns
        -------
        Events
            From 0 to ``(frames - 1) * frame``; noise until ``frames * frame``.

        Raises
        ------
        SpecError
            If the light is not of that shape, or light and dark do not add up to more than 0.
        """
        movie = plain_array(light, "1", where="light")
        step = positive(frame, "ms", "frame") * 1e3
        if movie.ndim != 3 or 0 in movie.shape:
            raise SpecError(
                f"an array of shape {movie.shape} is not (frames, rows, columns)", where="light"
            )
        if movie.min() + self.dark <= 0:
            raise SpecError(
                f"light of {movie.min():g} and dark of {self.dark:g} have no logarithm; raise dark",
                where="light",
            )
        if self.noise and rng is None:
            raise SpecError("noise needs a random generator; give rng", where="rng")
        size = movie.shape[1], movie.shape[2]
        logs = np.log(movie + self.dark).reshape(len(movie), -1)
        t, pixel, p = self._changes(logs, step)
        if self.noise and rng is not None:
            t, pixel, p = self._with_noise(t, pixel, p, len(movie) * step, logs.shape[1], rng)
        # Rounded up, so that an event is not before its cause.
        whole = np.ceil(t - _REACHED * step).astype(np.int64)
        order = np.lexsort((p, pixel, whole))
        row, column = np.divmod(pixel[order], size[1])
        return Events(whole[order], column, row, p[order].astype(bool), size)

    def thresholds(self, n: int) -> NDArray[np.float64]:
        """Thresholds (2, n) of pixels, ON first."""
        spread = np.random.default_rng(self.seed).normal(1.0, self.mismatch, (2, n))
        return np.array([[self.on], [self.off]]) * np.maximum(spread, _LEAST)

    def _changes(self, logs: NDArray[np.float64], step: float) -> tuple[NDArray[Any], ...]:
        """Times (us), pixels and polarities of the events of a change."""
        n = logs.shape[1]
        on, off = self.thresholds(n)
        wait = self.refractory * 1e3
        memory, awake = logs[0].copy(), np.full(n, -math.inf)
        found: list[tuple[NDArray[Any], ...]] = [(np.zeros(0), np.zeros(0, int), np.zeros(0, int))]
        for k, (first, last) in enumerate(itertools.pairwise(logs)):
            begin, end, slope = k * step, (k + 1) * step, (last - first) / step
            active = np.arange(n)
            while len(active):
                # A pixel that wakes up remembers the light of that moment.
                wakes = active[(awake[active] >= begin) & (awake[active] <= end)]
                memory[wakes] = first[wakes] + slope[wakes] * (awake[wakes] - begin)
                active = active[awake[active] <= end]
                rises = slope[active] > 0
                step_up = np.where(rises, on[active], -off[active])
                change = last[active] - memory[active]
                sends = change / step_up >= 1 - _REACHED
                active, step_up = active[sends], step_up[sends]
                memory[active] += step_up
                rate = slope[active]
                # A slope against the remaining change cannot reach a threshold.
                at = begin + (memory[active] - first[active]) / rate
                at = np.clip(at, begin, end)
                found.append((at, active, (step_up > 0).astype(int)))
                if wait:
                    awake[active] = at + wait
        return tuple(np.concatenate(columns) for columns in zip(*found, strict=True))

    def _with_noise(
        self,
        t: NDArray[Any],
        pixel: NDArray[Any],
        p: NDArray[Any],
        duration: float,
        n: int,
        rng: np.random.Generator,
    ) -> tuple[NDArray[Any], ...]:
        """Events with those of noise that do not fall into a refractory period."""
        number = int(rng.poisson(self.noise * 1e-6 * duration * n))
        noisy = np.concatenate([np.zeros(len(t), bool), np.ones(number, bool)])
        t = np.concatenate([t, rng.uniform(0.0, duration, number)])
        pixel = np.concatenate([pixel, rng.integers(0, n, number)])
        p = np.concatenate([p, rng.integers(0, 2, number)])
        order = np.lexsort((t, pixel))
        t, pixel, p, noisy = t[order], pixel[order], p[order], noisy[order]
        while True:
            close = (pixel[1:] == pixel[:-1]) & (np.diff(t) < self.refractory * 1e3)
            # Of events that follow each other too closely, the first pair is settled first.
            pairs = np.flatnonzero(close & ~np.concatenate([[False], close[:-1]]))
            if not len(pairs):
                return t, pixel, p
            # An event of a change stays.
            lost = np.where(noisy[pairs + 1], pairs + 1, pairs)
            t, pixel, p, noisy = (np.delete(values, lost) for values in (t, pixel, p, noisy))


def saccades(
    image: Annotated[ArrayLike, In("1")],
    *,
    size: tuple[int, int] | None = None,
    amplitude: Number = 3.0,
    duration: Milliseconds = 100.0,
    frame: Milliseconds = 1.0,
) -> NDArray[np.float64]:
    """A movie of an image that moves along a triangle, like the camera that recorded N-MNIST.

    That its three saccades make a triangle, of 100 ms each, was not confirmed in the paper.

    Parameters
    ----------
    image : array (rows, columns)
        Light.
    size : tuple of int, optional
        Rows and columns of the movie; those of the image by default. Beyond the image there is the
        light of its border.
    amplitude : float
        Half the width of the triangle (pixels).
    duration : float
        Of each of the three movements (ms).
    frame : float
        From one frame to the next (ms).

    Returns
    -------
    numpy.ndarray (frames, rows, columns)
        From rest to rest: ``3 * duration / frame + 1`` frames.

    Raises
    ------
    SpecError
        If frames do not fill a movement.

    References
    ----------
    Orchard, Jayawant, Cohen & Thakor 2015, Front Neurosci 9:437.
    """
    from scipy import ndimage

    light = plain_array(image, "1", where="image")
    if light.ndim != 2 or 0 in light.shape:
        raise SpecError(f"an array of shape {light.shape} is not (rows, columns)", where="image")
    reach = bounded(amplitude, "1", "amplitude")
    length, each = positive(duration, "ms", "duration"), positive(frame, "ms", "frame")
    n = round(length / each)
    if n < 1 or abs(n * each - length) > 1e-6 * length:
        raise SpecError(f"frames of {each:g} ms do not fill {length:g} ms", where="frame")
    rows, columns = light.shape if size is None else (count(s, "size") for s in size)
    corners = reach * np.array([[-1.0, -1.0], [1.0, 0.0], [-1.0, 1.0], [-1.0, -1.0]])
    legs = [np.linspace(a, b, n, endpoint=False) for a, b in itertools.pairwise(corners)]
    path = np.concatenate([*legs, corners[-1:]])
    row = np.arange(rows) - (rows - light.shape[0]) / 2
    column = np.arange(columns) - (columns - light.shape[1]) / 2
    movie = np.empty((len(path), rows, columns))
    for k, (down, right) in enumerate(path):
        grid = np.meshgrid(row - down, column - right, indexing="ij")
        movie[k] = ndimage.map_coordinates(light, grid, order=1, mode="nearest")
    return movie
