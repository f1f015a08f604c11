"""Sweeps of current clamp: an injected current, and the potential of one cell."""

from __future__ import annotations

import reprlib
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from scnnbio.errors import SpecError
from scnnbio.units import In, Milliseconds, Millivolts, plain, plain_array
from scnnbio.values import Value

Array = NDArray[np.float64]

#: Largest potentials (mV) that stay below the first, or exceed the second, are in another unit.
_PLAUSIBLE = (1.0, 500.0)
#: Currents (nA) beyond this are in another unit: patch clamp amplifiers inject at most 20 nA.
_LARGEST_CURRENT = 100.0
_ROUNDING = 1e-6


@dataclass(frozen=True, eq=False)
class Sweep(Value):
    """One sweep of current clamp.

    Sample k of both is at k periods; the current is held from there to the next sample.

    Parameters
    ----------
    current : array of shape (samples,)
        Injected current (nA).
    potential : array of shape (samples,)
        Recorded membrane potential (mV), with the bridge balanced.
    period : float
        Time between samples (ms).
    name : str
        By which it is chosen and reported.

    Raises
    ------
    SpecError
        If the two differ in length, a sample is not finite, or the values are so large or so small
        that they must be in another unit.

    Examples
    --------
    >>> sweep = Sweep(["0 pA", "100 pA", "100 pA"], [-70.0, -70.0, -69.5], "0.1 ms", "step")
    >>> sweep
    Sweep('step': 3 samples, one per 0.1 ms)
    """

    current: Annotated[Array, In("nA")]
    potential: Annotated[Array, In("mV")]
    period: Milliseconds
    name: str = "sweep"

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise SpecError(f"{reprlib.repr(self.name)} is not a name", where="Sweep.name")
        where = f"sweep {self.name!r}"
        period = plain(self.period, "ms", where=f"{where}.period")
        if period <= 0:
            raise SpecError(f"{period:g} ms is not positive", where=f"{where}.period")
        object.__setattr__(self, "period", period)
        for name, unit in (("current", "nA"), ("potential", "mV")):
            array = plain_array(getattr(self, name), unit, where=f"{where}.{name}", finite=False)
            if array.ndim != 1 or len(array) < 2:
                raise SpecError(
                    f"shape {array.shape} is not that of two or more samples",
                    where=f"{where}.{name}",
                )
            if not np.isfinite(array).all():
                first = int(np.flatnonzero(~np.isfinite(array))[0])
                raise SpecError(
                    f"sample {first}, at {first * period:g} ms, is {array[first]}; cut the sweep"
                    " before it, or leave the sweep out",
                    where=f"{where}.{name}",
                )
            array = np.array(array)
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        if len(self.current) != len(self.potential):
            raise SpecError(
                f"the current has {len(self.current)} samples and the potential"
                f" {len(self.potential)}; give both at the same times",
                where=where,
            )
        self._check_units(where)

    def _check_units(self, where: str) -> None:
        largest = float(np.abs(self.potential).max())
        low, high = _PLAUSIBLE
        if not low <= largest <= high:
            looks = "volts" if largest < low else "microvolts"
            raise SpecError(
                f"no potential exceeds {largest:.3g} mV; these look like {looks}, so give their"
                " unit",
                where=f"{where}.potential",
            )
        most = float(np.abs(self.current).max())
        if most > _LARGEST_CURRENT:
            raise SpecError(
                f"the current reaches {most:.3g} nA, beyond what is injected into a cell; it looks"
                " like pA, so give its unit",
                where=f"{where}.current",
            )

    def __repr__(self) -> str:
        samples = len(self.current)
        return f"Sweep({self.name!r}: {samples:,} samples, one per {self.period:g} ms)"

    @property
    def duration(self) -> float:
        """Duration in ms, of as many periods as there are samples."""
        return len(self.current) * self.period

    def spikes(self, threshold: Millivolts = -20.0) -> Array:
        """Times (ms) at which the potential crosses a level upwards.

        Parameters
        ----------
        threshold : float
            Level (mV), above the threshold of the cell and below the peaks of its spikes.

        Returns
        -------
        ndarray (spikes,)
            Of the first sample at or above the level.

        Raises
        ------
        SpecError
            If the sweep begins above the level.
        """
        level = plain(threshold, "mV", where="threshold")
        above = self.potential >= level
        if above[0]:
            raise SpecError(
                f"begins at {self.potential[0]:.3g} mV, above the {level:g} mV that mark a spike;"
                " cut its beginning, or choose a higher level",
                where=f"sweep {self.name!r}",
            )
        return np.asarray((np.flatnonzero(above[1:] & ~above[:-1]) + 1) * self.period, dtype=float)

    def on_grid(self, dt: Milliseconds) -> Sweep:
        """The sweep with one sample per step: the mean current of a step, and the first potential.

        A whole number of periods must be one step; a last step that is not complete is left out.

        Parameters
        ----------
        dt : float
            Step (ms).

        Returns
        -------
        Sweep

        Raises
        ------
        SpecError
            If a step is not a whole number of periods, or the sweep is shorter than two steps.
        """
        step = plain(dt, "ms", where="dt")
        ratio = step / self.period
        each = round(ratio)
        if each < 1 or abs(ratio - each) > _ROUNDING * max(ratio, 1.0):
            raise SpecError(
                f"a step of {step:g} ms is not a whole number of periods of {self.period:g} ms;"
                " choose a multiple of the period",
                where=f"sweep {self.name!r}",
            )
        if each == 1:
            return self
        whole = len(self.current) // each * each
        current = self.current[:whole].reshape(-1, each).mean(axis=1)
        return Sweep(current, self.potential[:whole:each], step, self.name)
