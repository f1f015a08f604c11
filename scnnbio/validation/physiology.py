"""Measures of physiology by which recordings and models are held against published V1 numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from scnnbio.analysis import (
    contrast_invariance,
    correlation_measures,
    count_measures,
    cross_orientation_suppression,
    direction_measures,
    interval_measures,
    modulation_measures,
    orientation_measures,
    response_latency,
    size_measures,
    sparseness_measures,
    spatial_frequency_measures,
    temporal_frequency_measures,
    tuning,
)
from scnnbio.analysis.curves import over_units, spontaneous, tuning_curves
from scnnbio.analysis.measurements import Bootstrap, Measurement, measured
from scnnbio.errors import SpecError, not_one_of
from scnnbio.recording import Recording
from scnnbio.units import Window, plain_window
from scnnbio.validation.central_units import central_units, trials_of
from scnnbio.validation.claim import About, Measure, Measured
from scnnbio.validation.evidence import Evidence
from scnnbio.validation.protocol import ANY, Missing

Array = NDArray[np.float64]
Made = dict[str, Measurement]

#: Claims are about units: intervals over the trials of one are not needed for them.
_NONE = Bootstrap(draws=0)


def _latency(recording: Recording, population: str, **_: Any) -> Made:
    return {"latency": response_latency(recording, population, bootstrap=_NONE)}


def _spontaneous(recording: Recording, population: str, window: Any, bootstrap: Bootstrap) -> Made:
    end = float(recording.trials["duration"].min())
    rate, draws = spontaneous(recording, population, window or (0.0, end), bootstrap)
    n = np.full(len(rate), int((recording.trials.get("contrast", np.ones(1)) == 0).sum()))
    none = ("no blanks", np.isnan(rate))
    made = measured("spontaneous_rate", "Hz", rate, draws, n, bootstrap, [none])
    return {"spontaneous_rate": made}


def _invariance(recording: Recording, population: str, **how: Any) -> Made:
    """The ratios at the lowest contrast."""
    found = contrast_invariance(recording, population, **how)
    if not found:
        raise Missing("one contrast alone was shown")
    lowest = min(found, key=lambda name: float(name.rpartition("_")[2])).rpartition("_at_")[2]
    names = ("half_width_ratio", "circular_variance_ratio")
    return {name: found[f"{name}_at_{lowest}"] for name in names}


def _full_width(recording: Recording, population: str, **how: Any) -> Made:
    """Full width at half of the peak; infinite where the curve does not fall so far."""
    bootstrap = how["bootstrap"]
    curves = tuning_curves(recording, population, "orientation", **how)

    def width(rates: Array, angles: Array) -> Array:
        half = tuning.half_bandwidth(rates, angles, fraction=0.5, smoothing=(1.0,))
        return np.where(np.isnan(half), np.inf, 2.0 * half)

    value, draws = over_units(width, curves)
    made = measured("full_width", "deg", value, draws, curves.n, bootstrap, curves.reasons(2))
    return {"full_width": made}


def _mask(recording: Recording, population: str, **how: Any) -> Made:
    """Suppression by the strongest mask."""
    found = cross_orientation_suppression(recording, population, **how)
    names = [name for name in found if name.startswith("suppression_by_mask_")]
    highest = max(names, key=lambda name: float(name.rpartition("_")[2]))
    return {"mask_suppression": found[highest]}


#: What makes the quantities of each family.
_FAMILIES: dict[str, Callable[..., Made]] = {
    "orientation": orientation_measures,
    "direction": direction_measures,
    "spatial_frequency": spatial_frequency_measures,
    "temporal_frequency": temporal_frequency_measures,
    "modulation": modulation_measures,
    "size": size_measures,
    "counts": count_measures,
    "intervals": interval_measures,
    "correlation": correlation_measures,
    "sparseness": sparseness_measures,
    "latency": _latency,
    "spontaneous": _spontaneous,
    "invariance": _invariance,
    "width": _full_width,
    "mask": _mask,
}

#: Each quantity, its family, and its unit.
QUANTITIES: dict[str, tuple[str, str]] = {
    "circular_variance": ("orientation", "1"),
    "half_bandwidth": ("orientation", "deg"),
    "peak_orientation": ("orientation", "deg"),
    "direction_circular_variance": ("direction", "1"),
    "direction_selectivity": ("direction", "1"),
    "spatial_bandwidth": ("spatial_frequency", "octaves"),
    "low_high_ratio": ("spatial_frequency", "%"),
    "high_cutoff": ("temporal_frequency", "Hz"),
    "low_pass_temporal": ("temporal_frequency", "1"),
    "modulation_ratio": ("modulation", "1"),
    "surround_suppression_index": ("size", "1"),
    "surround_summation_ratio": ("size", "1"),
    "fano_factor": ("counts", "1"),
    "gain_variance": ("counts", "1"),
    "cv2": ("intervals", "1"),
    "lv": ("intervals", "1"),
    "noise_correlation": ("correlation", "1"),
    "lifetime_sparseness": ("sparseness", "1"),
    "latency": ("latency", "ms"),
    "spontaneous_rate": ("spontaneous", "Hz"),
    "half_width_ratio": ("invariance", "1"),
    "circular_variance_ratio": ("invariance", "1"),
    "full_width": ("width", "deg"),
    "mask_suppression": ("mask", "1"),
}
#: How a claim reads a quantity.
_READINGS: dict[str, Callable[[Array], Array]] = {
    "": lambda values: values,
    "one less": lambda values: 1.0 - values,
    "above one": lambda values: values - 1.0,
    "from cardinal": lambda values: np.abs((values + 45.0) % 90.0 - 45.0),
}


@dataclass(frozen=True)
class _Family:
    """All quantities of a family, of the central units; made once."""

    name: str
    window: tuple[float, float] | None
    blanks: bool

    def of(self, evidence: Evidence) -> Made:
        recording = with_blanks(evidence) if self.blanks else central_units(evidence)
        try:
            return _FAMILIES[self.name](
                recording, evidence.population, window=self.window, bootstrap=_NONE
            )
        except Missing:
            raise
        except SpecError as error:
            raise Missing(str(error)) from None


def with_blanks(evidence: Evidence) -> Recording:
    """Trials of the protocol, and the blanks of the recording, where it has any.

    Parameters
    ----------
    evidence : Evidence
        Of one population; its protocol chooses the trials.

    Returns
    -------
    Recording
        Of its central units.

    Raises
    ------
    Missing
        If there are no trials of the protocol.
    """
    whole = central_units(evidence.bind(protocol=ANY))
    contrast = whole.trials.get("contrast", np.ones(whole.n_trials))
    mask = whole.trials.get("mask_contrast", np.zeros(whole.n_trials))
    blank = (contrast == 0) & ~(mask > 0)
    return whole.take(np.flatnonzero(trials_of(evidence, whole) | blank))


@dataclass(frozen=True, eq=False)
class Physiology(Measure):
    """A quantity of each unit, or pair of units, as ``scnnbio.analysis`` measures it.

    Parameters
    ----------
    quantity : str
        One of :data:`QUANTITIES`.
    reading : {"", "one less", "above one", "from cardinal"}
        As it is; 1 less the value; the value less 1; or the distance (deg) from the nearest of 0
        and 90.
    window : (float, float), optional
        ms within the trial that the published number counts. The window that a document gives, or
        else the whole trial, by default.
    blanks : bool
        Whether trials of contrast 0 tell the spontaneous rate.
    """

    quantity: str = "circular_variance"
    reading: str = ""
    window: Window | None = None
    blanks: bool = False

    name: ClassVar[str] = "physiology"
    windowed: ClassVar[bool] = True

    def __post_init__(self) -> None:
        for name, known in (("quantity", QUANTITIES), ("reading", _READINGS)):
            if getattr(self, name) not in known:
                raise SpecError(not_one_of(getattr(self, name), tuple(known)), where=name)
        if self.window is not None:
            window = plain_window(self.window, where="window")
            object.__setattr__(self, "window", window)

    @property
    def unit(self) -> str:  # type: ignore[override]
        """Unit of the quantity."""
        return QUANTITIES[self.quantity][1]

    @property
    def label(self) -> str:
        """The quantity, and how it is read."""
        return "_".join(filter(None, (self.quantity, self.reading.replace(" ", "_"))))

    def of(self, evidence: Evidence) -> Measured:
        """Measure the units that have a value; the others are counted by the reason."""
        window = evidence.window if self.window is None else plain_window(self.window)
        if window is not None:
            last = float(evidence.recording.trials["duration"].min())
            if window[1] > last * (1 + 1e-9):
                raise Missing(f"trials of {last:g} ms do not hold {window[0]:g} to {window[1]:g}")
        family = QUANTITIES[self.quantity][0]
        found = evidence.measured(_Family(family, window, self.blanks))[self.quantity]
        kept = found.sufficient
        values = _READINGS[self.reading](np.asarray(found.value)[kept])
        units = found.index.get("unit")
        return Measured(
            values,
            dict(Counter(text for text in found.insufficient if text)),
            None if units is None else evidence.units[units[kept]],
        )


@dataclass(frozen=True, eq=False)
class Together(Measure):
    """Two quantities of each unit that has both.

    Parameters
    ----------
    first, second : Physiology
    """

    first: Physiology = Physiology("circular_variance")
    second: Physiology = Physiology("half_bandwidth")

    name: ClassVar[str] = "together"
    windowed: ClassVar[bool] = True

    @property
    def columns(self) -> tuple[str, ...]:  # type: ignore[override]
        """Names of the two quantities."""
        return self.first.label, self.second.label

    def of(self, evidence: Evidence) -> Measured:
        """Measure the units that have both values."""
        one, other = evidence.measured(self.first), evidence.measured(self.second)
        if one.neurons is None or other.neurons is None:
            raise Missing("pairs of units have no second quantity")
        both, rows, columns = np.intersect1d(one.neurons, other.neurons, return_indices=True)
        values = np.column_stack([one.values[rows], other.values[columns]])
        lost = len(np.union1d(one.neurons, other.neurons)) - len(both)
        return Measured(values, {"has one of the two alone": lost}, both)


@dataclass(frozen=True, eq=False)
class InOrder(Measure):
    """A quantity of the units of two populations, and which of them each unit belongs to.

    Parameters
    ----------
    quantity : Physiology
    larger : {"first", "second"}
        The population whose values are published as the larger ones. It has 0 in the first
        column, the other 1.
    """

    quantity: Physiology = Physiology("latency")
    larger: Literal["first", "second"] = "first"

    name: ClassVar[str] = "in_order"
    about: ClassVar[About] = "populations"
    windowed: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.larger not in ("first", "second"):
            raise SpecError(not_one_of(self.larger, ("first", "second")), where="larger")

    @property
    def columns(self) -> tuple[str, ...]:  # type: ignore[override]
        """What divides the units, and the quantity."""
        return "smaller_group", self.quantity.label

    def of(self, evidence: Evidence) -> Measured:
        """Measure both populations by themselves."""
        if len(evidence.populations) != 2:
            raise Missing("the claim needs two populations, in the order in which signals pass")
        found = [part.measured(self.quantity) for part in evidence.each]
        places = (0.0, 1.0) if self.larger == "first" else (1.0, 0.0)
        excluded: Counter[str] = Counter()
        for part in found:
            excluded.update(part.excluded)
        return Measured(
            np.concatenate([
                np.column_stack([np.full(len(part.values), place), part.values])
                for place, part in zip(places, found, strict=True)
            ]),
            dict(excluded),
        )  # fmt: skip
