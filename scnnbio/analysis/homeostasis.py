"""Homeostatic layers: the return of their rate to its target, measured and predicted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scnnbio.analysis.rates import window_within
from scnnbio.errors import SpecError
from scnnbio.experiment import Run
from scnnbio.neurons.rates import homeostasis_eigenvalues
from scnnbio.recording import Recording
from scnnbio.units import Hertz, In, Milliseconds, Number, Rates, Times, Window, plain, plain_array

Array = NDArray[np.float64]

#: Range of rates, relative to the target, at fixed thresholds that enter the slope at the target.
_AROUND = (0.4, 2.5)
_RESAMPLES = 200


@dataclass(frozen=True, eq=False)
class Return:
    """Return of a homeostatic layer to its target after a step of its input.

    Parameters
    ----------
    time : array, shape (samples,)
        ms since the step.
    threshold : array, shape (samples,)
        ``theta_h`` in mV, mean over neurons and repeats.
    start : float
        ms; from this time on the layer's rate stays near its target, and the fit begins.
    final : float
        Final threshold by the fit, mV.
    rate_of_return : float
        Rate in 1/ms of the exponential ``final + amplitude exp(-rate_of_return (time - start))``.
    interval : (float, float)
        95 % confidence interval of ``rate_of_return``, by bootstrap over neurons.
    slope : float
        Slope df/dV_th of the rate at the target in Hz/mV, measured at fixed thresholds.
    eigenvalue : float
        The slower eigenvalue of :func:`~scnnbio.neurons.rates.homeostasis_eigenvalues`, 1/ms,
        negative.
    """

    time: Array
    threshold: Array
    start: float
    final: float
    rate_of_return: float
    interval: tuple[float, float]
    slope: float
    eigenvalue: float

    @property
    def error(self) -> float:
        """Relative error of the rate of return with respect to the eigenvalue."""
        return self.rate_of_return / -self.eigenvalue - 1.0


def map_rates(
    recording: Recording, population: str, maps: ArrayLike, bin_width: Milliseconds
) -> tuple[Array, Array]:
    """Mean rate over the neurons of some maps, in bins of time.

    Parameters
    ----------
    recording : Recording
        Recording of trials of one duration.
    population : str
    maps : array of int
    bin_width : float
        ms; the rest of a trial beyond whole bins is ignored.

    Returns
    -------
    time : array, shape (bins,)
        Centres of the bins in ms.
    rates : array, shape (trials, bins)
        Hz.
    """
    bin_width = plain(bin_width, "ms", where="map_rates.bin_width")
    spikes, shape = recording.spikes_of(population), recording.shapes[population]
    per_map, chosen = shape[1] * shape[2], np.asarray(maps, dtype=np.int64)
    bins = int(float(recording.trials["duration"].min()) / bin_width + 1e-9)
    kept = np.isin(spikes.unit // per_map, chosen)
    # A spike at the end of a bin belongs to that bin.
    place = np.ceil(spikes.time[kept] / bin_width - 1e-9).astype(np.int64) - 1
    inside = (place >= 0) & (place < bins)
    counts = np.zeros((recording.n_trials, bins))
    np.add.at(counts, (spikes.trial[kept][inside], place[inside]), 1.0)
    time: Array = (np.arange(bins, dtype=np.float64) + 0.5) * bin_width
    return time, counts / (len(chosen) * per_map * bin_width) * 1e3


def settled_after(time: Times, rate: Rates, target: Hertz, tolerance: Number = 0.1) -> float:
    """Time after which a rate stays within a fraction of its target; NaN if it does not.

    Examples
    --------
    >>> settled_after(np.array([1.0, 2.0, 3.0]), np.array([20.0, 10.5, 9.6]), 10.0)
    2.0
    """
    time = plain_array(time, "ms", where="settled_after.time")
    rate = plain_array(rate, "Hz", where="settled_after.rate", finite=False)
    target = plain(target, "Hz", where="settled_after.target")
    tolerance = plain(tolerance, "1", where="settled_after.tolerance")
    outside = np.flatnonzero(np.abs(rate - target) > tolerance * target)
    first = int(outside[-1]) + 1 if len(outside) else 0
    return float(time[first]) if first < len(time) else np.nan


def slope_at(
    threshold: Annotated[ArrayLike, In("mV")], rate: Rates, target: Hertz
) -> tuple[float, float]:
    """Where a falling curve of rate against threshold meets a target, and its slope there.

    A parabola through the points between 0.4 and 2.5 times the target, by least squares.

    Parameters
    ----------
    threshold : array, shape (n,)
        mV.
    rate : array, shape (n,)
        Hz.
    target : float
        Hz.

    Returns
    -------
    threshold, slope : float
        mV, and Hz/mV.

    Raises
    ------
    SpecError
        If fewer than three points are in that range, or they do not fall through the target.
    """
    x = plain_array(threshold, "mV", where="slope_at.threshold")
    y = plain_array(rate, "Hz", where="slope_at.rate", finite=False)
    target = plain(target, "Hz", where="slope_at.target")
    near = (y > _AROUND[0] * target) & (y < _AROUND[1] * target)
    if near.sum() < 3:
        raise SpecError(
            f"{near.sum()} thresholds have rates near {target:g} Hz; at least three are needed",
            where="slope_at",
        )
    middle = float(x[near].mean())
    curve = np.polynomial.Polynomial.fit(x[near] - middle, y[near], 2).convert()
    complex_roots = np.asarray((curve - target).roots(), dtype=np.complex128)
    candidates = complex_roots.real[np.abs(complex_roots.imag) < 1e-12]
    low, high = x[near].min() - middle, x[near].max() - middle
    roots = [float(root) for root in candidates if low <= root <= high and curve.deriv()(root) < 0]
    if not roots:
        raise SpecError(f"the rates do not fall through {target:g} Hz", where="slope_at")
    at = min(roots, key=abs)
    return at + middle, float(curve.deriv()(at))


def fixed_threshold_rates(
    run: Run, population: str, trials: ArrayLike, window: Window
) -> tuple[Array, Array]:
    """Thresholds of a population with one per map, in mV, and the mean rate at each in Hz."""
    layer, kept = run.experiment.network.population(population), np.asarray(trials)
    begin, end = window_within(window, run.recording.trials["duration"][kept], "window")
    counts = run.recording.counts(population, (begin, end))[kept]
    rates = counts.reshape(len(kept), layer.shape[0], -1).mean(axis=(0, 2))
    return layer.channel_values("v_thresh").copy(), rates / (end - begin) * 1e3


def homeostatic_return(
    run: Run, population: str, curve: str, trials: ArrayLike, *, within: Number = 0.3
) -> Return:
    """Rate of return of a layer's threshold after a step, and the predicted eigenvalue.

    The layer must receive the step of the input directly, as the first one does. The deviation of
    a later layer, whose input adapts too, is a polynomial times the exponential.

    Parameters
    ----------
    run : Run
        Run in which ``theta_h`` of the layer was sampled. The layer's target, eta and filter are
        those of its first map; all maps with that eta are used.
    population : str
        A homeostatic layer.
    curve : str
        A population with the same input and fixed thresholds, one per map.
    trials : array of int
        Repeats of one step, each of which started from the other level of the input.
    within : float
        The fit begins where the relative distance of the rate from its target stays below this;
        farther away df/dV_th differs from its value at the target.

    Returns
    -------
    Return

    Raises
    ------
    SpecError
        If theta_h was not sampled, maps differ in their target or time constant, or the layer never
        comes near its target.
    """
    from scipy.stats import bootstrap

    within = plain(within, "1", where="homeostatic_return.within")
    layer, kept = run.experiment.network.population(population), np.asarray(trials)
    etas, target = layer.channel_values("homeo_eta"), layer.common_value("homeo_target")
    eta = float(etas[0])
    maps = np.flatnonzero(etas == eta)
    signal = run.recording.signals.get(population, {}).get("theta_h")
    if signal is None:
        raise SpecError(
            "theta_h was not sampled; add it to record.signals", where=f"population {population!r}"
        )
    units = np.isin(signal.unit // (layer.shape[1] * layer.shape[2]), maps)
    rows = np.stack([signal.values[signal.trial == k][:, units] for k in kept]).mean(axis=0)
    time = signal.time[signal.trial == kept[0]]
    half = float(run.recording.trials["duration"][kept[0]]) / 2
    slope = slope_at(*fixed_threshold_rates(run, curve, kept, (half, 2 * half)), target)[1]
    eigenvalue = float(homeostasis_eigenvalues(slope, eta, layer.common_value("homeo_tau"))[0].real)
    bins, rate = map_rates(run.recording, population, maps, _bin(signal.period))
    start = settled_after(bins, rate[kept].mean(axis=0), target, within)
    if not start < half:
        raise SpecError(
            "the rate does not come near its target", where=f"population {population!r}"
        )
    tail = time > start

    def fitted(neurons: NDArray[np.int64]) -> tuple[float, float]:
        return _exponential(time[tail] - start, rows[tail][:, neurons].mean(axis=1), -eigenvalue)

    everyone = np.arange(rows.shape[1])
    final, rate_of_return = fitted(everyone)
    found = bootstrap(
        (everyone,),
        lambda neurons: fitted(neurons)[1],
        n_resamples=_RESAMPLES,
        vectorized=False,
        method="percentile",
        random_state=np.random.default_rng(run.experiment.seed),
    ).confidence_interval
    interval = float(found.low), float(found.high)
    mean = np.asarray(rows.mean(axis=1))
    return Return(time, mean, start, final, rate_of_return, interval, slope, eigenvalue)


def step_returns(run: Run, layer: str, curve: str) -> dict[str, Return]:
    """Return of a layer after each kind of step of a full field's luminance.

    Parameters
    ----------
    run : Run
    layer : str
        Homeostatic layer that receives the field.
    curve : str
        Population with the same input and fixed thresholds, one per map.

    Returns
    -------
    dict of {"input rises", "input falls"} to Return

    Raises
    ------
    SpecError
        If the input does not rise and fall; see also :func:`homeostatic_return`.
    """
    luminance = run.recording.trials["luminance"]
    again = np.arange(1, len(luminance))
    steps = {
        "input rises": again[luminance[again] > luminance[again - 1]],
        "input falls": again[luminance[again] < luminance[again - 1]],
    }
    if not all(len(trials) for trials in steps.values()):
        raise SpecError("the input does not rise and fall", where="step_returns")
    return {name: homeostatic_return(run, layer, curve, k) for name, k in steps.items()}


def settled_rates(run: Run, population: str, maps: ArrayLike) -> Array:
    """Mean rate (Hz) of some maps at the end of trials, at the first and the second luminance.

    The end is the last 20 s, or the last third of shorter trials.
    """
    duration = run.experiment.trial_duration
    luminance = run.recording.trials["luminance"]
    time, rates = map_rates(run.recording, population, maps, duration / 60)
    late = rates[:, time > duration - min(20_000.0, duration / 3)].mean(axis=1)
    return np.array([late[luminance == v].mean() for v in luminance[:2]])


def _bin(period: float) -> float:
    """Width of the bins in which rates are compared with the target: 250 ms, in whole samples."""
    return max(round(250.0 / period), 1) * period


def _exponential(time: Array, values: Array, guess: float) -> tuple[float, float]:
    """Final value and rate of an exponential through values, by least squares."""
    from scipy.optimize import curve_fit

    def shape(t: Array, final: float, amplitude: float, rate: float) -> Array:
        return final + amplitude * np.exp(-rate * t)

    start = (values[-1], values[0] - values[-1], guess)
    (final, _, rate), _ = curve_fit(shape, time, values, p0=start, maxfev=5000)
    return float(final), float(rate)
