"""A measured quantity with its unit, bootstrap intervals, and reasons for missing values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from scnnbio.errors import SpecError
from scnnbio.units import In, Number, plain, plain_array

if TYPE_CHECKING:
    from pandas import DataFrame

Array = NDArray[np.float64]
Values = Annotated[ArrayLike, In("1", finite=False)]
#: A reason, and where it applies.
Reason = tuple[str, NDArray[np.bool_]]

#: Range of quantities by name, to which intervals are cut. Others have no limits.
_LIMITS: dict[str, tuple[float, float]] = {
    **dict.fromkeys(
        (
            "circular_variance", "orthogonal_preferred", "orientation_selective",
            "orientation_selectivity", "direction_selectivity", "direction_circular_variance",
            "spatial_frequency_selective", "low_pass_spatial", "low_pass_temporal",
            "lifetime_sparseness", "population_sparseness", "mean_population_sparseness",
        ),
        (0.0, 1.0),
    ),
    **dict.fromkeys(
        (
            "noise_correlation", "signal_correlation", "mean_noise_correlation",
            "mean_signal_correlation", "orthogonal_less_variance",
        ),
        (-1.0, 1.0),
    ),
    "modulation_ratio": (0.0, 2.0),
    **dict.fromkeys(
        (
            "half_bandwidth", "half_bandwidth_above_spontaneous", "fitted_half_width",
            "fitted_half_width_of_whole", "circular_variance_per_deg", "largest_rate", "f0", "f1",
            "modulation_ratio_above_spontaneous", "potential_f1", "potential_modulation_ratio",
            "latency", "fano_factor", "gain_variance", "cv", "cv2", "lv", "c50", "exponent",
            "largest_response", "offset", "spatial_bandwidth", "temporal_bandwidth",
            "low_high_ratio", "peak_spatial_frequency", "peak_temporal_frequency", "high_cutoff",
            "grating_summation_field", "surround_diameter", "surround_summation_ratio",
            "fano_before", "fano_after", "matched_share",
        ),
        (0.0, np.inf),
    ),
    **dict.fromkeys(
        ("surround_suppression_index", "fit_r_squared", "r_squared"), (-np.inf, 1.0)
    ),
}  # fmt: skip
#: Fraction of resamples without a value above which there is no interval.
_MOST_UNDEFINED = 0.1


@dataclass(frozen=True)
class Bootstrap:
    """Settings of bootstrap intervals, which resample trials within each condition.

    Parameters
    ----------
    draws : int
        Resamples; 0 for no intervals.
    level : float
        Nominal coverage of the intervals, between 0 and 1.
    seed : int

    Raises
    ------
    SpecError
        If a value is out of range.

    Notes
    -----
    Of the m trials of a condition, m - 1 are drawn with replacement, which gives the variance of
    a mean without bias. Noise biases many measures, a circular variance downwards, and that of a
    resample twice: once as the trials' own, once as the resample's. An interval is therefore made
    of the percentiles of the resamples, moved against twice the distance of their median from the
    value. For a symmetric distribution this is the bias-corrected percentile interval. The
    value itself, which stands as its paper defines it, may lie outside. Percentiles of a few trials
    are too narrow by the ratio of the normal to Student's distribution: measures of a single
    condition take percentiles that lie farther out.

    References
    ----------
    J. N. K. Rao and C. F. J. Wu (1988), J. Am. Stat. Assoc. 83, 231-241 (m - 1 draws of m);
    B. Efron (1981), Can. J. Stat. 9, 139-158 (bias correction); T. C. Hesterberg (2015), Am. Stat.
    69, 371-386 (expanded percentiles).
    """

    draws: int = 200
    level: Number = 0.95
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("draws", "seed"):
            number = getattr(self, name)
            if isinstance(number, bool) or not isinstance(number, int | np.integer) or number < 0:
                raise SpecError(
                    f"{number!r} is not a whole number from 0 up", where=f"Bootstrap.{name}"
                )
        level = plain(self.level, "1", where="Bootstrap.level")
        if not 0 < level < 1:
            raise SpecError(f"{level:g} is not between 0 and 1", where="Bootstrap.level")
        object.__setattr__(self, "level", level)

    def weights(self, condition: NDArray[np.int64]) -> Array:
        """Weight of each trial in each resample.

        Parameters
        ----------
        condition : array of int, shape (trials,)
            Negative for trials without a condition, whose weight is 0.

        Returns
        -------
        array, shape (draws, trials)
            Weights sum to 1 over the trials of a condition. A single trial, which gives no
            estimate of noise, has NaN, so that there is no interval.
        """
        rng = np.random.default_rng(self.seed)
        weights = np.zeros((self.draws, len(condition)))
        for which in np.unique(condition[condition >= 0]):
            rows = np.flatnonzero(condition == which)
            m = len(rows)
            weights[:, rows] = np.nan
            if m > 1:
                drawn = rng.multinomial(m - 1, np.full(m, 1 / m), self.draws)
                weights[:, rows] = drawn / (m - 1)
        return weights

    def interval(
        self,
        value: Values,
        draws: Values,
        period: Number | None = None,
        freedom: NDArray[np.int64] | None = None,
    ) -> Array:
        """Percentiles of resamples, corrected for bias.

        Parameters
        ----------
        value : array, shape (n,)
        draws : array, shape (draws, n)
            NaN for resamples without a value.
        period : float, optional
            Period of a circular value, such as 180 for an orientation in deg.
        freedom : array of int, shape (n,), optional
            Degrees of freedom of the noise: where a value rests on the trials of one condition,
            their number less one. Percentiles then lie as far out as Student's distribution does.

        Returns
        -------
        array, shape (2, n)
            Lower and upper end; NaN where more than a tenth of the resamples have no value.
        """
        center = plain_array(value, "1", where="interval.value", finite=False)
        away = plain_array(draws, "1", where="interval.draws", finite=False) - center
        if not len(away):
            return np.full((2, len(center)), np.nan)
        if period is not None:
            turn = plain(period, "1", where="interval.period")
            away = (away + turn / 2) % turn - turn / 2
        number = (~np.isnan(away)).sum(axis=0)
        kept = number >= max(1.0, (1 - _MOST_UNDEFINED) * len(away))
        ends = np.full((2, len(center)), np.nan)
        # Quantiles that ignore NaN are slow, and are used only for columns that contain NaN.
        full = number == len(away)
        tails = self._tails(len(center), freedom)
        for tail in np.unique(tails):
            here = kept & (tails == tail)
            for some, quantile in ((here & full, np.quantile), (here & ~full, np.nanquantile)):
                if some.any():
                    low, middle, high = quantile(away[:, some], (tail, 0.5, 1 - tail), axis=0)
                    ends[:, some] = center[some] + np.stack([low, high]) - 2 * middle
        return ends

    def _tails(self, n: int, freedom: NDArray[np.int64] | None) -> Array:
        """Share of the resamples beyond each end, shape (n,)."""
        tail = (1 - self.level) / 2
        if freedom is None:
            return np.full(n, tail)
        few = scipy.special.stdtrit(np.maximum(freedom, 1), tail)
        return np.asarray(scipy.special.ndtr(few))


@dataclass(frozen=True, eq=False)
class Measurement:
    """One quantity of each unit, or of each pair of units.

    Parameters
    ----------
    name : str
    unit : str
        Such as ``"deg"`` or ``"Hz"``; ``"1"`` for a ratio.
    value : array, shape (n,)
        NaN where it is insufficient.
    low, high : array, shape (n,)
        Ends of the bootstrap interval; NaN without one.
    n : array of int, shape (n,)
        Number of trials of each value, or of what ``counted`` names.
    insufficient : tuple of str, length n
        Reason for a missing value; empty where there is a value.
    counted : str
    level : float
        Nominal coverage of the interval.
    index : mapping from name to array of int, shape (n,)
        ``unit``, or ``unit_1`` and ``unit_2``; none for a summary of a population.

    Raises
    ------
    SpecError
        If shapes differ, or a value is missing without a reason.
    """

    name: str
    unit: str
    value: Values
    low: Values
    high: Values
    n: NDArray[np.int64]
    insufficient: tuple[str, ...]
    counted: str
    level: Number
    index: Mapping[str, NDArray[np.int64]]

    def __post_init__(self) -> None:
        for name in ("value", "low", "high"):
            where = f"Measurement.{name}"
            numbers = plain_array(getattr(self, name), "1", where=where, finite=False)
            object.__setattr__(self, name, numbers)
        parts = (self.low, self.high, self.n, self.insufficient, *self.index.values())
        if any(len(part) != len(self.value) for part in parts):  # type: ignore[arg-type]
            raise SpecError("columns differ in length", where=f"Measurement {self.name!r}")
        missing = np.isnan(self.value)
        if (missing != np.array([bool(text) for text in self.insufficient], dtype=bool)).any():
            raise SpecError(
                "give a reason for every missing value, and for no other",
                where=f"Measurement {self.name!r}",
            )

    def __len__(self) -> int:
        return len(self.insufficient)

    @property
    def sufficient(self) -> NDArray[np.bool_]:
        """Whether each unit has a value, shape (n,)."""
        return np.array([not text for text in self.insufficient], dtype=bool)

    def table(self) -> DataFrame:
        """The same as a table: one row per unit, or per pair."""
        import pandas

        names = ("value", "low", "high", "n", "insufficient")
        columns = {**self.index, **{name: getattr(self, name) for name in names}}
        return pandas.DataFrame(columns)

    def median(self, bootstrap: Bootstrap | None = None, *, least: int = 5) -> Measurement:
        """Median over the units that have a value; its interval resamples units.

        Parameters
        ----------
        bootstrap : Bootstrap, optional
        least : int
            With fewer units there is no median.
        """
        return self._summary("median", np.median, bootstrap, least)

    def mean(self, bootstrap: Bootstrap | None = None, *, least: int = 5) -> Measurement:
        """Mean over the units that have a value, as of a yes or no; see :meth:`median`."""
        return self._summary("mean", np.mean, bootstrap, least)

    def _summary(
        self, word: str, of: Callable[..., Any], bootstrap: Bootstrap | None, least: int
    ) -> Measurement:
        how = bootstrap or Bootstrap(level=self.level)
        values = np.asarray(self.value)[self.sufficient]
        few = len(values) < max(least, 1)
        kind = "pairs" if "unit_1" in self.index else "units"
        value = np.array([np.nan if few else float(of(values))])
        draws = np.full((how.draws, 1), np.nan)
        if not few and how.draws:
            rng = np.random.default_rng(how.seed)
            rows = rng.integers(0, len(values), (how.draws, len(values)))
            draws[:, 0] = of(values[rows], axis=1)
        reasons: list[Reason] = [(f"{len(values)} {kind} have a value", np.array([few]))]
        n = np.array([len(values)])
        return measured(
            f"{word} {self.name}", self.unit, value, draws, n, how, reasons, counted=kind, index={}
        )

    def __str__(self) -> str:
        shown = int(self.sufficient.sum())
        if len(self) == 1 and shown:
            value, low, high = (float(np.asarray(x)[0]) for x in (self.value, self.low, self.high))
            unit = "" if self.unit == "1" else f" {self.unit}"
            span = "" if np.isnan(low) else f" ({low:.3g} to {high:.3g})"
            return f"{self.name}: {value:.3g}{unit}{span}, n = {self.n[0]} {self.counted}"
        if len(self) == 1:
            return f"{self.name}: insufficient: {self.insufficient[0]}"
        return f"{self.name} ({self.unit}): {shown} of {len(self)} have a value"


def measured(
    name: str,
    unit: str,
    value: Values,
    draws: Values,
    n: NDArray[np.int64],
    bootstrap: Bootstrap,
    reasons: Sequence[Reason] = (),
    *,
    counted: str = "trials",
    index: Mapping[str, NDArray[np.int64]] | None = None,
    period: Number | None = None,
    limits: Values | None = None,
    freedom: NDArray[np.int64] | None = None,
) -> Measurement:
    """A measurement from its values and their resamples.

    Parameters
    ----------
    name, unit, value, n, counted, index
        As of :class:`Measurement`; the index numbers the units by default.
    draws : array, shape (draws, n)
        Values of resamples; NaN for missing ones.
    bootstrap : Bootstrap
    reasons : sequence of (text, array of bool)
        Reasons for missing values, and where they apply; the first that applies is used. Other NaN
        values count as "not defined for this response".
    period : float, optional
        Period of a circular value.
    limits : (float, float), optional
        Range of the quantity, to which intervals are cut. Those of a quantity of ours by its name.
    freedom : array of int, shape (n,), optional
        As for :meth:`Bootstrap.interval`.
    """
    numbers = plain_array(value, "1", where=f"{name}.value", finite=False).copy()
    text = np.full(len(numbers), "", dtype=object)
    for reason, where in (*reasons, ("not defined for this response", np.isnan(numbers))):
        text[where & (text == "")] = reason
    numbers[text != ""] = np.nan
    span = _LIMITS.get(name, (-np.inf, np.inf)) if limits is None else limits
    low, high = np.clip(
        bootstrap.interval(numbers, draws, period, freedom),
        *plain_array(span, "1", where=f"{name}.limits", finite=False),
    )
    units = {"unit": np.arange(len(numbers))} if index is None else index
    return Measurement(
        name, unit, numbers, low, high, np.asarray(n), tuple(map(str, text)), counted,
        bootstrap.level, units,
    )  # fmt: skip
