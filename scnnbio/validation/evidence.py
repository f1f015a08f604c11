"""What claims are judged on: a run, and the expensive measures of it, each made once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from scnnbio.analysis.rates import Responses, responses
from scnnbio.analysis.receptive_fields import KernelMeasures, measure_kernels
from scnnbio.errors import SpecError
from scnnbio.recording import Recording
from scnnbio.units import Hertz, Window, plain, plain_window

T = TypeVar("T")

#: Columns that tell gratings apart, where a recording has them.
_GRATING = ("orientation", "spatial_frequency", "temporal_frequency")


class Missing(SpecError):
    """A run lacks what a claim is about: the claim's verdict is then "not applicable"."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """A run as claims see it.

    Parameters
    ----------
    run : Run
        Anything with ``recording`` and ``weights``.
    measures : KernelMeasures, optional
        If they are made already; otherwise they are made when first asked for.
    population : str
        Whose spikes are judged.
    projection : str
        Whose kernel is judged, of shape (maps, 2, rows, columns).
    min_rate : float
        Hz; a cell whose mean rate is below it in every condition is silent.
    window : (float, float), optional
        ms within the trial; the whole trial by default.
    progress : callable, optional
        Called with how many kernels are fitted and how many there are.
    """

    run: Any
    measures: KernelMeasures | None = None
    population: str = "v1"
    projection: str = "lgn_v1"
    min_rate: Hertz = 1.0
    window: Window | None = None
    progress: Callable[[int, int], None] | None = field(default=None, repr=False)
    _made: dict[Callable[..., Any], Any] = field(default_factory=dict, init=False, repr=False)

    def once(self, make: Callable[[Any], T]) -> T:
        """What a function makes of the run: called once, for all claims and figures.

        Parameters
        ----------
        make : callable
            Takes the run. A function of a module, since it is what is looked up.
        """
        if make not in self._made:
            self._made[make] = make(self.run)
        found: T = self._made[make]
        return found

    def __post_init__(self) -> None:
        rate = plain(self.min_rate, "Hz", where="evidence.min_rate")
        object.__setattr__(self, "min_rate", rate)
        if self.window is not None:
            window = plain_window(self.window, where="evidence.window")
            object.__setattr__(self, "window", window)

    @property
    def recording(self) -> Recording:
        """Recording of the run."""
        recording: Recording = self.run.recording
        return recording

    @cached_property
    def kernel_measures(self) -> KernelMeasures:
        """Gabor fits and tuning of the kernel; raises Missing if there is none."""
        if self.measures is not None:
            return self.measures
        if self.projection not in self.run.weights:
            raise Missing(f"the run has no weights of {self.projection!r}")
        return measure_kernels(self.run.weights[self.projection], self.progress)

    @cached_property
    def gratings(self) -> Recording:
        """Trials with a grating, of the highest contrast; raises Missing if there are none."""
        trials = self.recording.trials
        if self.population not in self.recording.spikes:
            raise Missing(f"the run recorded no spikes of {self.population!r}")
        if "orientation" not in trials or trials["orientation"].dtype.kind not in "fi":
            raise Missing("the run showed no gratings")
        shown = ~np.isnan(trials["orientation"].astype(np.float64))
        if not shown.any():
            raise Missing("the run showed no gratings")
        if "contrast" in trials:
            shown &= trials["contrast"] == np.nanmax(trials["contrast"][shown])
        return self.recording.take(np.flatnonzero(shown))

    @cached_property
    def units(self) -> NDArray[np.int64]:
        """The unit at the central place of each map, shape (maps,)."""
        maps, rows, columns = self.recording.shapes[self.population]
        return np.arange(maps) * rows * columns + (rows // 2) * columns + columns // 2

    @cached_property
    def responses(self) -> Responses:
        """Responses of the central units to each grating; raises Missing without one window."""
        by = [name for name in _GRATING if name in self.gratings.trials]
        try:
            table = responses(self.gratings, self.population, by, self.window)
        except SpecError as error:
            raise Missing(str(error)) from None
        return Responses(
            table.population,
            table.conditions,
            table.condition,
            table.counts[:, self.units],
            table.window,
        )

    @cached_property
    def responsive(self) -> NDArray[np.bool_]:
        """Which of the central units are not silent, shape (maps,)."""
        return np.asarray(self.responses.rates.max(axis=0) >= self.min_rate)

    @cached_property
    def orientation_curves(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Angles (n,), and the rates (maps, n) in Hz of each unit at its own best frequency."""
        return self.responses.curve("orientation")
