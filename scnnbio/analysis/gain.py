"""Effect of inhibition on a curve of rate against current: gain and offset.

Neurons of a population have one current per channel; those of one place share their input, so that
a place is one sample of the whole curve, and curves of two populations are paired by place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scnnbio.analysis.rates import window_within
from scnnbio.errors import SpecError
from scnnbio.experiment import Run
from scnnbio.units import Hertz, Window, plain

Array = NDArray[np.float64]

_RESAMPLES = 500


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % confidence interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3g} ({self.low:.3g} to {self.high:.3g})"


@dataclass(frozen=True, eq=False)
class Curve:
    """Rates or potentials against current, one curve per place.

    Parameters
    ----------
    population : str
    current : array, shape (channels,)
        ``i_offset`` in nA, increasing.
    values : array, shape (places, channels)
        Rates in Hz, or potentials in mV.
    """

    population: str
    current: Array
    values: Array

    @property
    def mean(self) -> Array:
        """Mean over places, shape (channels,)."""
        return np.asarray(self.values.mean(axis=0))

    @property
    def standard_error(self) -> Array:
        """Standard error of the mean over places, shape (channels,)."""
        return np.asarray(self.values.std(axis=0, ddof=1) / np.sqrt(len(self.values)))


@dataclass(frozen=True)
class GainChange:
    """``changed(I) = gain control(I - shift)``, by least squares.

    Parameters
    ----------
    gain : Estimate
        Below 1 for division.
    shift : Estimate
        nA; above 0 for subtraction.
    residual : float
        Root mean square of the residuals, divided by the largest fitted rate.
    up_to : float
        Hz; the fit excludes higher rates.
    """

    gain: Estimate
    shift: Estimate
    residual: float
    up_to: float = np.inf


@dataclass(frozen=True)
class Line:
    """The straight line through potentials against current.

    Parameters
    ----------
    slope : Estimate
        MOhm: the input resistance.
    offset : Estimate
        mV at zero current.
    """

    slope: Estimate
    offset: Estimate


def rate_curve(run: Run, population: str, trials: ArrayLike, window: Window) -> Curve:
    """Rates against current.

    Parameters
    ----------
    run : Run
    population : str
        With one value of ``i_offset`` per channel, increasing.
    trials : array of int
        Trials that are pooled.
    window : (float, float)
        ms within the trial.

    Returns
    -------
    Curve
    """
    begin, end = _window(run, trials, window)
    counts = run.recording.counts(population, (begin, end))[np.asarray(trials)].mean(axis=0)
    return _curve(run, population, counts / (end - begin) * 1e3)


def potential_curve(run: Run, population: str, trials: ArrayLike, window: Window) -> Curve:
    """Mean membrane potentials against current, for all neurons, which must have been sampled.

    Parameters
    ----------
    run, population, trials, window
        As in :func:`rate_curve`.

    Returns
    -------
    Curve

    Raises
    ------
    SpecError
        If ``v`` of all neurons was not sampled.
    """
    return _curve(run, population, mean_signal(run, population, "v", trials, window))


def mean_signal(
    run: Run, population: str, variable: str, trials: ArrayLike, window: Window
) -> Array:
    """Mean of a sampled variable over a window and trials, neuron by neuron.

    Raises
    ------
    SpecError
        If it was not sampled in all neurons.
    """
    signal = run.recording.signals.get(population, {}).get(variable)
    if signal is None or len(signal.unit) != run.recording.size(population):
        raise SpecError(f"{variable!r} was not sampled in all neurons", where=population)
    begin, end = _window(run, trials, window)
    inside = np.isin(signal.trial, np.asarray(trials))
    inside &= (signal.time >= begin) & (signal.time < end)
    if not inside.any():
        raise SpecError(
            f"these trials have no sample from {begin:g} to {end:g} ms", where=population
        )
    return np.asarray(signal.values[inside].mean(axis=0))


def gain_change(
    control: Curve, changed: Curve, *, up_to: Hertz = np.inf, seed: int = 1
) -> GainChange:
    """Gain and offset that turn one curve into the other, with bootstrap intervals over places.

    The control curve is a monotone interpolation of its means (PCHIP), and 0 below its first
    current. It is not extrapolated beyond its last one: currents whose shifted value lies there
    are excluded, at most a quarter of them, which bounds a negative shift.

    Parameters
    ----------
    control, changed : Curve
        Curves at the same currents and places.
    up_to : float
        Hz; currents at which the changed curve is above it are excluded.
    seed : int
        Seed of the bootstrap.

    Returns
    -------
    GainChange

    Raises
    ------
    SpecError
        If the curves have different currents or places, or one never fires.

    References
    ----------
    Chance, Abbott & Reyes 2002, Neuron 35:773; Mitchell & Silver 2003, Neuron 38:433 (gain and
    offset of input-output relations).
    """
    if control.values.shape != changed.values.shape or (control.current != changed.current).any():
        raise SpecError("the curves have different currents or places", where="gain_change")
    if not control.mean.any() or not changed.mean.any():
        raise SpecError("a curve without a spike has no gain", where="gain_change")

    up_to = (
        np.inf
        if type(up_to) is float and up_to == np.inf
        else plain(up_to, "Hz", where="gain_change.up_to")
    )
    used = int((changed.mean <= up_to).sum())

    def fit(places: NDArray[np.int64]) -> tuple[float, float, float]:
        means = control.values[places].mean(0), changed.values[places].mean(0)
        return _gain_and_shift(control.current, *means, used)

    everywhere = np.arange(len(control.values))
    gain, shift, residual = fit(everywhere)
    low, high = _interval(lambda places: fit(places)[:2], everywhere, seed)
    estimates = (Estimate(gain, low[0], high[0]), Estimate(shift, low[1], high[1]))
    return GainChange(*estimates, residual, up_to)


def line(curve: Curve, *, seed: int = 1) -> Line:
    """Slope and offset of potentials against current, with bootstrap intervals over places.

    Parameters
    ----------
    curve : Curve
    seed : int
        Seed of the bootstrap.

    Returns
    -------
    Line
    """

    def fit(places: NDArray[np.int64]) -> tuple[float, float]:
        slope, offset = np.polyfit(curve.current, curve.values[places].mean(axis=0), 1)
        return float(slope), float(offset)

    everywhere = np.arange(len(curve.values))
    slope, offset = fit(everywhere)
    low, high = _interval(fit, everywhere, seed)
    return Line(Estimate(slope, low[0], high[0]), Estimate(offset, low[1], high[1]))


def _window(run: Run, trials: ArrayLike, window: Window) -> tuple[float, float]:
    return window_within(window, run.recording.trials["duration"][np.asarray(trials)], "window")


def _curve(run: Run, population: str, values: Array) -> Curve:
    layer = run.experiment.network.population(population)
    current = layer.channel_values("i_offset")
    if not (np.diff(current) > 0).all():
        raise SpecError("i_offset does not increase from channel to channel", where=population)
    return Curve(population, current.copy(), values.reshape(layer.shape[0], -1).T.copy())


def _gain_and_shift(
    current: Array, control: Array, changed: Array, used: int
) -> tuple[float, float, float]:
    """Gain, shift and residual from the first ``used`` currents."""
    from scipy.interpolate import PchipInterpolator
    from scipy.optimize import minimize_scalar

    curve = PchipInterpolator(current, control, extrapolate=False)
    reach, target = float(current[-1] - current[0]), changed[:used]
    lowest = -float(current[-1] - current[max(3 * used // 4, 1)])

    def best_gain(shift: float) -> tuple[float, float]:
        """Gain by linear least squares at a shift, and the residual per point."""
        at = current[:used] - shift
        inside = at <= current[-1]
        moved = np.where(at < current[0], 0.0, curve(np.clip(at, current[0], current[-1])))[inside]
        norm = float(moved @ moved)
        gain = float(moved @ target[inside]) / norm if norm else 0.0
        return gain, float(np.mean((target[inside] - gain * moved) ** 2))

    # A coarse search first, since the residual has several minima.
    shifts = np.linspace(lowest, 0.75 * reach, 121)
    nearest = float(shifts[np.argmin([best_gain(float(s))[1] for s in shifts])])
    width = float(shifts[1] - shifts[0])
    found = minimize_scalar(
        lambda s: best_gain(s)[1], bounds=(nearest - width, nearest + width), method="bounded",
        options={"xatol": 1e-6},
    )  # fmt: skip
    gain, left = best_gain(float(found.x))
    return gain, float(found.x), float(np.sqrt(left) / target.max())


def _interval(
    statistic: Callable[[NDArray[np.int64]], tuple[float, ...]],
    samples: NDArray[np.int64],
    seed: int,
) -> tuple[Array, Array]:
    """Percentile intervals of all components of a statistic, by resampling."""
    from scipy.stats import bootstrap

    found = bootstrap(
        (samples,), lambda drawn: np.array(statistic(drawn)), n_resamples=_RESAMPLES,
        vectorized=False, method="percentile", random_state=np.random.default_rng(seed),
    ).confidence_interval  # fmt: skip
    return np.asarray(found.low), np.asarray(found.high)
