"""The V1 properties of Brain-Score, measured of spikes: fifteen with public counts, seven without.

Gratings that drift, or that stand at several phases, are shown with blanks; a unit counts if its
largest response is 5 Hz above its spontaneous rate. A model of spikes has rates of its own, so that
each property is measured twice: of the rates as they are, and, as ``mapped``, after the affine map
by which Brain-Score gives activations the rates of the recorded cells.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from scnnbio.analysis import tuning
from scnnbio.analysis.curves import Curves, tuning_curves
from scnnbio.analysis.measurements import Bootstrap
from scnnbio.analysis.measures_of_frequency import frequencies_of
from scnnbio.analysis.measures_of_modulation import modulation_measures
from scnnbio.analysis.measures_of_orientation import orthogonal_preferred, peak_orientation
from scnnbio.analysis.measures_of_size import sizes_of
from scnnbio.errors import SpecError
from scnnbio.validation.brain_score_counts import PROPERTIES, Property
from scnnbio.validation.central_units import gratings_and_blanks
from scnnbio.validation.claim import Measure, Measured
from scnnbio.validation.evidence import Evidence
from scnnbio.validation.observation import Observation
from scnnbio.validation.papers import RINGACH_2002
from scnnbio.validation.protocol import Missing, Protocol
from scnnbio.validation.similarity import SimilarAsBrainScore

Array = NDArray[np.float64]

#: Medians (Hz) of the largest and of the spontaneous rate that Brain-Score's map gives a model, and
#: what a response exceeds (Hz).
LARGEST, SPONTANEOUS, THRESHOLD = 33.8, 0.82, 5.0
#: Suppression that the published diameters are of.
_SUPPRESSED = 0.1
_NONE = Bootstrap(draws=0)
_BY_NAME = {found.name: found for found in PROPERTIES}

#: Properties of responses to textures: their bins are public, their counts are not.
TEXTURE = (
    "texture_modulation_index", "absolute_texture_modulation_index", "texture_selectivity",
    "texture_sparseness", "variance_ratio", "max_texture", "max_noise",
)  # fmt: skip


@dataclass(frozen=True)
class _CurvesAlong:
    """Tuning curves of the central units along a column; made once for all properties."""

    along: str

    def of(self, evidence: Evidence) -> Curves:
        recording = gratings_and_blanks(evidence)
        try:
            found = tuning_curves(
                recording, evidence.population, self.along, window=evidence.window,
                bootstrap=_NONE, f1=self.along == "diameter",
            )  # fmt: skip
        except SpecError as error:
            raise Missing(str(error)) from None
        if np.isnan(found.rate).any():
            raise Missing(f"not each {self.along} was shown with all else as at the best grating")
        return found


@dataclass(frozen=True)
class _Modulation:
    """F0 and F1 (Hz) of the central units at their best grating, and the rate in blanks."""

    def of(self, evidence: Evidence) -> tuple[Array, Array]:
        try:
            found = modulation_measures(
                gratings_and_blanks(evidence), evidence.population, window=evidence.window,
                bootstrap=_NONE, least_repeats=1,
            )  # fmt: skip
        except SpecError as error:
            raise Missing(str(error)) from None
        return tuple(np.nan_to_num(found[name].value) for name in ("f0", "f1"))  # type: ignore[return-value]


@dataclass(frozen=True)
class _RateMap:
    """Slope, and offset (Hz), of the map that gives the recorded medians."""

    def of(self, evidence: Evidence) -> tuple[float, float]:
        curves = evidence.measured(_CurvesAlong("orientation"))
        largest, calm = np.median(curves.rate.max(axis=1)), np.median(curves.spontaneous)
        if not largest > calm:
            raise Missing(
                f"the median of the largest rates, {largest:.3g} Hz, is not above that of the"
                f" spontaneous ones, {calm:.3g} Hz: no map gives the recorded rates"
            )
        slope = (LARGEST - SPONTANEOUS) / (largest - calm)
        return float(slope), float(SPONTANEOUS - slope * calm)


@dataclass(frozen=True, eq=False)
class BrainScoreProperty(Measure):
    """A property of each unit, as the benchmarks of Marques et al. (2021) define it.

    Parameters
    ----------
    quantity : str
        One of the names in ``brain_score_counts.PROPERTIES``.
    mapped : bool
        Whether rates are first mapped as Brain-Score does; a negative rate then counts as 0.
    """

    quantity: str = "circular_variance"
    mapped: bool = False

    name: ClassVar[str] = "brain_score_property"
    windowed: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.quantity not in _BY_NAME:
            known = ", ".join(_BY_NAME)
            raise SpecError(f"{self.quantity!r} is not one of {known}", where="quantity")

    @property
    def unit(self) -> str:  # type: ignore[override]
        """Unit of the property."""
        return _BY_NAME[self.quantity].unit

    @property
    def label(self) -> str:
        """The property, and whether it is of mapped rates."""
        return f"brain_score_{self.quantity}{'_mapped' if self.mapped else ''}"

    def of(self, evidence: Evidence) -> Measured:
        """Measure the central units that respond; those without a value are counted."""
        slope, offset = evidence.measured(_RateMap()) if self.mapped else (1.0, 0.0)
        if self.quantity == "modulation_ratio":
            f0, f1 = evidence.measured(_Modulation())
            f0 = np.maximum(slope * f0 + offset, 0.0)
            calm = self._mapped("orientation", evidence, slope, offset).spontaneous
            with np.errstate(invalid="ignore", divide="ignore"):
                values = np.where(f0 > 0, slope * f1 / f0, np.nan)
            responds = f0 > calm + THRESHOLD
        else:
            curves = self._mapped(_BY_NAME[self.quantity].along, evidence, slope, offset)
            if self.quantity == "peak_sf" and "diameter" not in evidence.recording.trials:
                raise Missing(
                    "no column 'diameter' (deg): without it a spatial frequency need not be in"
                    " cycles/deg"
                )
            values = _values(self.quantity, curves)
            response = sizes_of(curves)[0] if curves.along == "diameter" else curves.rate
            calm = curves.spontaneous * (curves.along != "diameter")  # taken off in a size curve
            responds = response.max(axis=1) > calm + THRESHOLD
        held = responds & ~np.isnan(values)
        excluded = {
            f"largest response not {THRESHOLD:g} Hz above the spontaneous rate": ~responds,
            f"has no {self.quantity.replace('_', ' ')}": responds & np.isnan(values),
        }
        counts = {why: int(where.sum()) for why, where in excluded.items()}
        return Measured(values[held], counts, evidence.units[held])

    def _mapped(self, along: str, evidence: Evidence, slope: float, offset: float) -> Curves:
        found = evidence.measured(_CurvesAlong(along))
        return dataclasses.replace(
            found,
            rate=np.maximum(slope * found.rate + offset, 0.0),
            f1=None if found.f1 is None else slope * found.f1,
            spontaneous=np.maximum(slope * found.spontaneous + offset, 0.0),
        )


def _values(name: str, curves: Curves) -> Array:
    """A property of each curve; NaN where it has none."""
    if curves.along == "diameter":
        index, field, surround, _ = sizes_of(curves)[1]
        sizes = {"grating_summation_field": field, "surround_diameter": surround}
        return np.where(index > _SUPPRESSED, sizes[name], np.nan) if name in sizes else index
    if curves.along == "spatial_frequency":
        if len(curves.values) < 3 or curves.values[0] <= 0:
            raise Missing("fewer than three spatial frequencies above 0 were shown")
        columns = {"peak_sf": "peak", "sf_selective": "selective", "sf_bandwidth": "ratio"}
        return frequencies_of(curves)[columns[name]]
    fires = curves.rate.max(axis=1) > 0
    values = np.full(len(fires), np.nan)
    try:
        values[fires] = _of_rates(name, curves.rate[fires], curves.values)
    except SpecError as error:  # angles that the property cannot be read of
        raise Missing(str(error)) from None
    return values


def _of_rates(name: str, rates: Array, axis: Array) -> Array:
    if name == "max_dc":
        return np.asarray(rates.max(axis=1))
    if name == "pref_or":
        # From -22.5 to 157.5 deg, as the published bins go.
        return np.asarray((peak_orientation(rates, axis) + 22.5) % 180.0 - 22.5)
    if name == "orth_pref_ratio":
        return orthogonal_preferred(rates, axis)
    variance = tuning.circular_variance(rates, axis)
    if name == "circular_variance":
        return variance
    if name == "opr_cv_diff":
        return np.asarray(orthogonal_preferred(rates, axis) - variance)
    width = tuning.half_bandwidth(rates, axis)
    if name == "or_selective":
        return np.isfinite(width).astype(np.float64)
    return np.asarray(width if name == "or_bandwidth" else variance / width)


@dataclass(frozen=True, eq=False)
class TextureProperty(Measure):
    """A property of responses to textures, which is not measured: no counts of it are public.

    Parameters
    ----------
    quantity : str
    """

    quantity: str = "texture_modulation_index"

    name: ClassVar[str] = "texture_property"

    def of(self, evidence: Evidence) -> Measured:
        """Raise Missing: there is nothing to compare with."""
        raise Missing(
            f"no public counts: the bins of {self.quantity!r} are public, the counts of cells in"
            " them are not"
        )


def _observation(found: Property, mapped: bool) -> Observation:
    protocol = "static gratings at 8 phases, of contrast 1, in the benchmark; drifting ones in the"
    return Observation(
        quantity=found.definition,
        source=found.source,
        n=sum(found.counts),
        unit=found.unit,
        counts=np.array(found.counts),
        edges=found.edges,
        stimulus=f"{protocol} papers",
        window="70 to 170 ms after onset in the benchmark",
        state="anaesthetised" if found.source == RINGACH_2002 else "not stated",
        pooling="mean over trials and phases, each cell at its own best of what else was varied; "
        + (
            "rates mapped affinely to medians of 33.8 (largest) and 0.82 Hz (spontaneous)"
            if mapped
            else "rates as they are, without Brain-Score's map"
        ),
        differs="the gratings and the window are those of the recording that is judged; units are"
        " not chosen by the place of their receptive field",
        note="counted and scored as by T. Marques, M. Schrimpf and J. J. DiCarlo (2021), bioRxiv"
        " 2021.03.01.433495, doi:10.1101/2021.03.01.433495",
    )


def _claim(found: Property, mapped: bool) -> SimilarAsBrainScore:
    columns = {found.along, "orientation", "contrast"}
    return SimilarAsBrainScore(
        name=f"brainscore_{found.name}{'_mapped' if mapped else ''}",
        observation=_observation(found, mapped),
        measure=BrainScoreProperty(found.name, mapped),
        protocol=Protocol("gratings with blanks", tuple(sorted(columns)), "contrast"),
        published_ceiling=found.ceiling,
        alexnet=found.alexnet,
    )


def _texture_claim(name: str) -> SimilarAsBrainScore:
    source = (
        "J. Freeman, C. M. Ziemba, D. J. Heeger, E. P. Simoncelli and J. A. Movshon (2013), Nat."
        " Neurosci. 16, 974-981, doi:10.1038/nn.3402"
    )
    seen = Observation(name.replace("_", " "), source, stimulus="textures and their noise")
    return SimilarAsBrainScore(
        name=f"brainscore_{name}", observation=seen, measure=TextureProperty(name)
    )


CLAIMS = (
    *(_claim(found, mapped) for found in PROPERTIES for mapped in (False, True)),
    *(_texture_claim(name) for name in TEXTURE),
)
