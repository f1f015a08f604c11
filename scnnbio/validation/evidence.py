"""Evidence for claims: a run or a recording, with expensive measures computed once."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar
from typing import Protocol as Interface

import numpy as np
from numpy.typing import NDArray

from scnnbio.analysis.rates import Responses, responses
from scnnbio.analysis.receptive_fields import KernelMeasures, measure_kernels
from scnnbio.errors import DataError, SpecError, hint
from scnnbio.experiment import ClaimBinding
from scnnbio.recording import Recording
from scnnbio.recording.opening import open_recordings, together
from scnnbio.units import Hertz, Window, plain, plain_window
from scnnbio.validation.protocol import ANY, Missing, Protocol

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

#: Columns that distinguish gratings, where a recording has them.
_GRATING = ("orientation", "spatial_frequency", "temporal_frequency")


#: Fields that select which part of a run is judged.
_PART = ("populations", "projection", "window", "protocol", "min_rate", "predicted")


class _Measure(Interface[T_co]):
    """Anything that computes numbers from evidence."""

    def of(self, evidence: Evidence) -> T_co: ...


@dataclass(frozen=True, eq=False)
class _Made:
    """Results computed from one run, shared by all evidence bound to parts of it."""

    values: dict[Any, Any] = field(default_factory=dict)
    bound: dict[Any, Evidence] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Target:
    """What a claim predicts: one population of a recording."""

    recording: Recording
    population: str


@dataclass(frozen=True, eq=False)
class Evidence:
    """A run or a recording, and the part of it that is judged.

    Parameters
    ----------
    source : Run or Recording
        A run of a model, anything else with ``recording`` and ``weights``, or a recording alone,
        of a model or of a laboratory.
    populations : str or tuple of str
        Populations whose spikes are judged.
    projection : str
        Projection whose kernel is judged, of shape (maps, 2, rows, columns).
    min_rate : float
        Hz; a cell whose mean rate is below it in every condition is silent.
    window : (float, float), optional
        ms within the trial; the whole trial by default.
    protocol : Protocol
        Only its trials count; all trials by default.
    predicted : Target, optional
        What a claim on a recording predicts.
    kernels : dict of str to KernelMeasures
        By projection, those that exist already; others are computed on first use, and cached.
    progress : callable, optional
        Called with the number of fitted kernels and the number of all.
    """

    source: Any
    populations: tuple[str, ...] = ()
    projection: str = ""
    min_rate: Hertz = 1.0
    window: Window | None = None
    protocol: Protocol = ANY
    predicted: Target | None = None
    kernels: dict[str, KernelMeasures] = field(default_factory=dict, repr=False)
    progress: Callable[[int, int], None] | None = field(default=None, repr=False)
    _made: _Made = field(default_factory=_Made, repr=False)

    def __post_init__(self) -> None:
        names = (self.populations,) if isinstance(self.populations, str) else self.populations
        object.__setattr__(self, "populations", tuple(names))
        rate = plain(self.min_rate, "Hz", where="evidence.min_rate")
        object.__setattr__(self, "min_rate", rate)
        if self.window is not None:
            window = plain_window(self.window, where="evidence.window")
            object.__setattr__(self, "window", window)

    def __getstate__(self) -> dict[str, Any]:
        """All but the report of progress, which stays in its process."""
        return {**vars(self), "progress": None}

    def bind(self, **changes: Any) -> Evidence:
        """The same run, and another part of it.

        Parameters
        ----------
        **changes
            Any of ``populations``, ``projection``, ``window``, ``protocol`` and ``predicted``.

        Returns
        -------
        Evidence
            Shares the results computed from the run. Equal parts give the same object.
        """
        part = dict(zip(_PART, self._part, strict=True)) | changes
        if isinstance(part["populations"], str):
            part["populations"] = (part["populations"],)
        key = tuple(part.values())
        if key == self._part:
            return self
        if key not in self._made.bound:
            self._made.bound[key] = dataclasses.replace(self, **part)
        return self._made.bound[key]

    @property
    def _part(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in _PART)

    def measured(self, measure: _Measure[T]) -> T:
        """Result of a measure on this part of the run, computed once.

        Raises
        ------
        SpecError
            If the run lacks what is needed; :class:`Missing` in most cases.
        """
        key = (measure, self._part)
        if key not in self._made.values:
            try:
                self._made.values[key] = measure.of(self)
            except (KeyError, IndexError, AttributeError) as error:
                # The run of another experiment lacks this name.
                raise Missing(f"there is no {error}; the run is of another experiment") from None
        found: T = self._made.values[key]
        return found

    def once(self, make: Callable[..., T], *named: str) -> T:
        """Result of a function of the run, computed once for all claims and figures.

        Parameters
        ----------
        make : callable
            Takes the run. Must be a function of a module, since results are cached by function.
        *named
            Further arguments, such as names of populations.
        """
        key = (make, named)
        if key not in self._made.values:
            self._made.values[key] = make(self.run, *named)
        found: T = self._made.values[key]
        return found

    @property
    def run(self) -> Any:
        """The run; raises Missing where there is a recording alone."""
        if isinstance(self.source, Recording):
            raise Missing("this needs a run; a recording alone does not hold its network")
        return self.source

    @cached_property
    def recording(self) -> Recording:
        """Trials of the protocol; raises Missing if there are none."""
        whole: Recording
        whole = self.source if isinstance(self.source, Recording) else self.source.recording
        if not self.protocol.columns:
            return whole
        chosen = self.protocol.chosen(whole)
        # Protocols that choose the same trials share them.
        key = ("recording", chosen.tobytes())
        if key not in self._made.values:
            self._made.values[key] = whole.take(chosen)
        found: Recording = self._made.values[key]
        return found

    @property
    def population(self) -> str:
        """The one population that is judged; raises Missing unless there is exactly one."""
        if len(self.populations) != 1:
            bound = f"to {len(self.populations)} populations" if self.populations else "to none"
            raise Missing(f"the claim needs one population, and is bound {bound}")
        return self.populations[0]

    @property
    def each(self) -> list[Evidence]:
        """Evidence for each population by itself; raises Missing if there is none."""
        if not self.populations:
            raise Missing("the claim needs populations, and is bound to none")
        return [self.bind(populations=name) for name in self.populations]

    @property
    def weights(self) -> NDArray[np.float64]:
        """The kernel that is judged, learned or static; raises Missing if there is none."""
        weights = {} if isinstance(self.source, Recording) else self.source.weights
        if not self.projection:
            raise Missing("the claim needs a kernel, and is bound to no projection")
        if self.projection in weights:
            kernel: NDArray[np.float64] = weights[self.projection]
            return kernel
        network = getattr(getattr(self.source, "experiment", None), "network", None)
        for projection in getattr(network, "projections", ()):
            if projection.name == self.projection:
                return np.asarray(projection.kernel)
        raise Missing(f"the run has no weights of {self.projection!r}")

    @property
    def kernel_measures(self) -> KernelMeasures:
        """Gabor fits and tuning of the kernel; raises Missing if there is none of an image."""
        if self.projection not in self.kernels:
            self.kernels[self.projection] = measure_kernels(self.fitted_weights, self.progress)
        return self.kernels[self.projection]

    @property
    def fitted_weights(self) -> NDArray[np.float64]:
        """The kernel as Gabor functions are fitted to it; raises Missing if it is of no image."""
        weights = self.weights
        if weights.shape[1] not in (1, 2):
            raise Missing(
                f"the kernels of {self.projection!r} have {weights.shape[1]} channels; receptive"
                " fields on images have one, or ON and OFF"
            )
        return weights

    @cached_property
    def units(self) -> NDArray[np.int64]:
        """The unit at the centre of each map, shape (maps,)."""
        self._check_recorded()
        maps, rows, columns = self.recording.shapes[self.population]
        return np.arange(maps) * rows * columns + (rows // 2) * columns + columns // 2

    def _check_recorded(self) -> None:
        if self.population not in self.recording.spikes:
            raise Missing(f"the run recorded no spikes of {self.population!r}")

    @cached_property
    def responses(self) -> Responses:
        """Responses of the central units to each grating; raises Missing without one window."""
        self._check_recorded()
        by = [name for name in _GRATING if name in self.recording.trials]
        try:
            table = responses(self.recording, self.population, by, self.window)
        except SpecError as error:
            raise Missing(str(error)) from None
        if table.n_trials.min() < self.protocol.repeats:
            raise Missing(
                f"{table.n_trials.min()} trials per condition are fewer than the"
                f" {self.protocol.repeats} that the claim needs"
            )
        return dataclasses.replace(table, counts=table.counts[:, self.units])

    @cached_property
    def responsive(self) -> NDArray[np.bool_]:
        """Whether each central unit is responsive (not silent), shape (maps,)."""
        return np.asarray(self.responses.rates.max(axis=0) >= self.min_rate)

    @property
    def silent(self) -> dict[str, int]:
        """Number of silent central units, by the reason that tables print."""
        floor = f"below {self.min_rate:g} Hz in every condition"
        return {floor: int((~self.responsive).sum())}

    @cached_property
    def orientation_curves(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Angles (n,), and the rates (maps, n) in Hz of each unit at its own best frequency."""
        return self.responses.curve("orientation")


def bind_as(evidence: Evidence, bound: ClaimBinding) -> Evidence:
    """The part of a run that a document binds a claim to."""
    window = evidence.window if bound.window is None else bound.window
    target = target_of(bound) if bound.recording else evidence.predicted
    return evidence.bind(
        populations=bound.population, projection=bound.projection, window=window, predicted=target
    )


def target_of(bound: ClaimBinding) -> Target:
    """The recording that a document's claim predicts.

    Raises
    ------
    DataError
        If the file cannot be read.
    SpecError
        If it has no such population.
    """
    try:
        stamp = Path(bound.recording).stat().st_mtime_ns
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror})", where=bound.recording) from None
    return _target(bound.recording, bound.columns, bound.recorded, stamp)


@functools.lru_cache(maxsize=4)
def _target(file: str, columns: str, recorded: str, stamp: int) -> Target:
    """Read once, as long as the file stays the same: several claims can name it."""
    found = open_recordings(Path(file), Path(columns) if columns else None, by="area")
    if recorded:
        if recorded not in found.recordings:
            said = hint(recorded, found.recordings)
            raise SpecError(f"no population {recorded!r}; {said}", where=file)
        return Target(found.recordings[recorded], recorded)
    if len(found.recordings) != 1:
        found = open_recordings(Path(file), Path(columns) if columns else None, by="session")
    name, recording = next(iter(found.recordings.items()))
    if len(found.recordings) != 1:
        name, recording = "all", together(recording, "all")
    return Target(recording, name)
