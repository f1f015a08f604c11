"""Modulation of spikes and of the potential by a drifting grating, and the response latency."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scnnbio.analysis.curves import Complex, spontaneous, trial_f1, trial_weights
from scnnbio.analysis.measurements import Bootstrap, Measurement, measured
from scnnbio.analysis.rates import Responses, responses, window_within
from scnnbio.analysis.tables import varied
from scnnbio.errors import SpecError, hint
from scnnbio.recording import Recording
from scnnbio.units import Milliseconds, Number, Window, plain

Array = NDArray[np.float64]


def modulation_measures(
    recording: Recording,
    population: str,
    *,
    window: Window | None = None,
    bootstrap: Bootstrap | None = None,
    least_repeats: int = 2,
) -> dict[str, Measurement]:
    """F1/F0 of the spikes at each unit's best stimulus.

    Parameters
    ----------
    recording : Recording
        Its trial table has ``temporal_frequency`` (Hz), which may differ between trials. Where it
        is 0, the harmonic is that over the ``phase`` of the grating.
    population : str
    window : (float, float), optional
        ms within the trial; the whole trial by default. Only whole cycles count, from its
        beginning.
    bootstrap : Bootstrap, optional
    least_repeats : int

    Returns
    -------
    dict of str to Measurement
        ``modulation_ratio``: F1 (amplitude) / F0 (mean rate), no spontaneous rate subtracted, 0 to
        2. ``modulation_ratio_above_spontaneous``: the same with the rate in blanks taken from F0.
        ``f1`` and ``f0`` (Hz).

    References
    ----------
    B. C. Skottun et al. (1991), Vision Res. 31, 1079-1086; D. L. Ringach, R. M. Shapley and M. J.
    Hawken (2002), J. Neurosci. 22, 5639-5651, doi:10.1523/JNEUROSCI.22-13-05639.2002.
    """
    how = bootstrap or Bootstrap()
    shown, table = _table(recording, population, window)
    mean, first, _ = trial_f1(shown, population, table.window)
    resampled = trial_weights(shown, table, how)
    (f0, f1), (f0_draws, f1_draws) = _at(table, mean, first, table.best(), resampled)
    calm, calm_draws = spontaneous(recording, population, table.window, how)
    best = table.n_trials[table.best()]
    reasons = [
        (f"fewer than {least_repeats} trials", best < least_repeats),
        ("no spikes", ~(f0 > 0)),
    ]
    none = ("no blanks", np.isnan(calm))
    below = ("does not exceed its spontaneous rate", ~(f0 - np.nan_to_num(calm) > 0))
    over, over_draws = _ratio(f1, f0 - calm), _ratio(f1_draws, f0_draws - calm_draws)
    ratio, draws = _ratio(f1, f0), _ratio(f1_draws, f0_draws)
    whole = "modulation_ratio_above_spontaneous"
    return {
        "modulation_ratio": measured(
            "modulation_ratio", "1", ratio, draws, best, how, reasons, freedom=best - 1
        ),
        whole: measured(
            whole, "1", over, over_draws, best, how, [*reasons, none, below], freedom=best - 1
        ),
        "f1": measured("f1", "Hz", f1, f1_draws, best, how, reasons, freedom=best - 1),
        "f0": measured("f0", "Hz", f0, f0_draws, best, how, reasons, freedom=best - 1),
    }


def potential_modulation_measures(
    recording: Recording,
    population: str,
    *,
    variable: str = "v",
    window: Window | None = None,
    bootstrap: Bootstrap | None = None,
    least_repeats: int = 2,
) -> dict[str, Measurement]:
    """F1/F0 of the membrane potential at the stimulus that depolarises each unit most.

    Parameters
    ----------
    recording : Recording
        With the signal of the variable, its trial table with ``temporal_frequency`` above 0 (Hz)
        and blanks: trials of contrast 0, whose mean potential F0 counts from.
    population : str
    variable : str
        mV. Spikes are as the neuron model has them; take them out beforehand where it draws any.
    window, bootstrap, least_repeats
        As for :func:`modulation_measures`.

    Returns
    -------
    dict of str to Measurement
        ``potential_modulation_ratio``: F1 / F0, ``potential_f1`` and ``potential_f0`` (mV above
        the mean in blanks). Units that were not sampled are insufficient.

    References
    ----------
    N. J. Priebe, F. Mechler, M. Carandini and D. Ferster (2004), Nat. Neurosci. 7, 1113-1122,
    doi:10.1038/nn1310.
    """
    how = bootstrap or Bootstrap()
    shown, table = _table(recording, population, window)
    mean, first = _potential(shown, population, variable, table.window)
    contrast = recording.trials.get("contrast", np.ones(recording.n_trials))
    rows = np.flatnonzero(contrast == 0)
    calm, calm_draws = np.full(mean.shape[1], np.nan), np.full((how.draws, mean.shape[1]), np.nan)
    if len(rows):
        rest = _mean_potential(recording.take(rows), population, variable, table.window)
        calm = rest.mean(axis=0)
        calm_draws = how.weights(np.zeros(len(rows), dtype=np.int64)) @ rest
    sums = np.zeros((len(table.n_trials), mean.shape[1]))
    kept = table.condition >= 0
    np.add.at(sums, table.condition[kept], mean[kept])
    chosen = np.nan_to_num(sums / table.n_trials[:, None], nan=-np.inf).argmax(axis=0)
    resampled = trial_weights(shown, table, how)
    (f0, f1), (f0_draws, f1_draws) = _at(table, mean, first, chosen, resampled)
    f0, f0_draws = f0 - calm, f0_draws - calm_draws
    best = table.n_trials[chosen]
    sampled = ~np.isnan(mean).all(axis=0)
    reasons = [
        ("its potential was not sampled", ~sampled),
        ("no blanks", np.isnan(calm) & sampled),
        (f"fewer than {least_repeats} trials", best < least_repeats),
    ]
    still = ("is not depolarised", ~(f0 > 0))
    ratio, draws = _ratio(f1, f0), _ratio(f1_draws, f0_draws)
    name = "potential_modulation_ratio"
    return {
        name: measured(name, "1", ratio, draws, best, how, [*reasons, still], freedom=best - 1),
        "potential_f1": measured(
            "potential_f1", "mV", f1, f1_draws, best, how, reasons, freedom=best - 1
        ),
        "potential_f0": measured(
            "potential_f0", "mV", f0, f0_draws, best, how, reasons, freedom=best - 1
        ),
    }


def response_latency(
    recording: Recording,
    population: str,
    *,
    onset: Milliseconds = 0.0,
    within: Milliseconds = 200.0,
    bin_width: Milliseconds = 10.0,
    bootstrap: Bootstrap | None = None,
    least_errors: Number = 3.0,
) -> Measurement:
    """Latency of the response to each unit's best stimulus: half rise of the histogram of spikes.

    Parameters
    ----------
    recording : Recording
        With blanks, trials of contrast 0, or a stimulus that begins ``bin_width`` or more after
        the trial does: the rate before the response comes from either.
    population : str
    onset : float
        When the stimulus begins (ms within the trial).
    within : float
        The peak is sought so long after the onset (ms).
    bin_width : float
        ms.
    bootstrap : Bootstrap, optional
    least_errors : float
        A peak that stands out of the rate before by fewer standard errors is insufficient.

    Returns
    -------
    Measurement
        ms after the onset at which the histogram, on a line between the middles of bins, first
        reaches half way from the rate before to its peak.

    References
    ----------
    J. H. R. Maunsell and J. R. Gibson (1992), J. Neurophysiol. 68, 1332-1344.
    """
    how = bootstrap or Bootstrap()
    start, span = plain(onset, "ms", where="onset"), plain(within, "ms", where="within")
    width = plain(bin_width, "ms", where="bin_width")
    errors = plain(least_errors, "1", where="least_errors")
    number = round(span / width) if width > 0 else 0
    if number < 3:
        raise SpecError(f"{span:g} ms hold fewer than 3 bins of {width:g} ms", where="within")
    blanks = recording.trials.get("contrast", np.ones(recording.n_trials)) == 0
    rows = np.flatnonzero(~blanks)
    if not len(rows):
        raise SpecError("no trial has a stimulus", where="response_latency")
    shown = recording.take(rows)
    table = responses(shown, population, varied(shown), (start, start + number * width))
    weights = np.concatenate([_one(table), how.weights(table.condition)])
    best = table.best()
    rates = _histogram(shown, population, table, best, weights, start, width, number)
    calm = _before(recording, shown, population, table, best, weights, start, how)
    value = _half_rise(rates, calm, width)
    peak = rates[0].max(axis=0)
    n = table.n_trials[best]
    # The standard error of a Poisson count in the peak's bin.
    spread = np.sqrt(np.maximum(peak, 1e-300) / (n * width / 1000.0))
    reasons = [
        ("no blanks, and nothing before the onset", np.isnan(calm[0])),
        ("no spikes", ~(peak > 0)),
        (
            f"its peak is less than {errors:g} standard errors above the rate before",
            ~(peak - np.nan_to_num(calm[0]) > errors * spread),
        ),
    ]
    return measured("latency", "ms", value[0], value[1:], n, how, reasons, freedom=n - 1)


def _table(
    recording: Recording, population: str, window: Window | None
) -> tuple[Recording, Responses]:
    """Trials with a stimulus, and their counts by condition."""
    contrast = recording.trials.get("contrast", np.ones(recording.n_trials))
    rows = np.flatnonzero(~(contrast == 0))
    if not len(rows):
        raise SpecError("no trial has a stimulus", where="Recording.trials")
    shown = recording.take(rows)
    if population in recording.spikes:
        return shown, responses(shown, population, varied(shown), window)
    said = hint(population, recording.spikes)
    raise SpecError(f"no spikes of {population!r}; {said}", where="Recording")


def _at(
    table: Responses, f0: Array, f1: Complex, chosen: NDArray[np.int64], resampled: Array
) -> tuple[Array, Array]:
    """F0 and amplitude F1 of each unit in its condition (2, units), and (2, draws, units)."""
    weights = np.concatenate([_one(table), resampled])
    found = np.full((2, len(weights), f0.shape[1]), np.nan)
    for condition in np.unique(chosen):
        units = np.flatnonzero(chosen == condition)
        rows = np.flatnonzero(table.condition == condition)
        found[0][:, units] = weights[:, rows] @ f0[np.ix_(rows, units)]
        found[1][:, units] = np.abs(weights[:, rows] @ f1[np.ix_(rows, units)])
    return found[:, 0], found[:, 1:]


def _one(table: Responses) -> Array:
    """Weights of the trials as they were, (1, trials)."""
    number = table.n_trials[np.maximum(table.condition, 0)]
    return np.asarray(np.where(table.condition >= 0, 1.0 / number, 0.0)[None])


def _samples(
    recording: Recording, population: str, variable: str, window: Window
) -> tuple[Array, NDArray[np.integer], Array, NDArray[np.integer]]:
    signals = recording.signals.get(population, {})
    if variable not in signals:
        said = hint(variable, signals)
        raise SpecError(f"no signal {variable!r} of {population!r}; {said}", where="Recording")
    signal = signals[variable]
    begin, end = window_within(window, recording.trials["duration"], "window")
    kept = (signal.time >= begin - 1e-9) & (signal.time < end - 1e-9)
    return signal.time[kept], signal.trial[kept], signal.values[kept], signal.unit


def _potential(
    recording: Recording, population: str, variable: str, window: Window
) -> tuple[Array, Complex]:
    """Mean and modulation of the potential over whole cycles, (trials, units)."""
    frequency = recording.trials.get("temporal_frequency")
    if frequency is None or not (frequency > 0).all():
        raise SpecError(
            "needs a column 'temporal_frequency' above 0 in every trial with a stimulus",
            where="Recording.trials",
        )
    time, trial, values, unit = _samples(recording, population, variable, window)
    cycle = 1000.0 / frequency
    cycles = np.floor((window[1] - window[0]) / cycle + 1e-9)
    if (cycles < 1).any():
        raise SpecError(f"{window} ms hold no cycle of {cycle.max():g} ms", where="window")
    kept = time < window[0] + (cycles * cycle)[trial] - 1e-9
    time, trial, values = time[kept], trial[kept], values[kept]
    phase = np.deg2rad(np.nan_to_num(recording.trials.get("phase", np.zeros(len(cycle)))))
    wave = np.exp(-1j * (2 * np.pi * time / cycle[trial] - phase[trial]))
    size = recording.size(population)
    mean = np.full((recording.n_trials, size), np.nan)
    first = np.full((recording.n_trials, size), np.nan, dtype=np.complex128)
    number = np.bincount(trial, minlength=recording.n_trials).astype(np.float64)[:, None]
    level, turned = (
        np.zeros((recording.n_trials, len(unit)), dtype=kind) for kind in (float, complex)
    )
    np.add.at(level, trial, values)
    np.add.at(turned, trial, values * wave[:, None])
    some = np.where(number > 0, number, np.nan)
    mean[:, unit], first[:, unit] = level / some, 2.0 * turned / some
    return mean, first


def _mean_potential(recording: Recording, population: str, variable: str, window: Window) -> Array:
    _, trial, values, unit = _samples(recording, population, variable, window)
    total = np.zeros((recording.n_trials, len(unit)))
    np.add.at(total, trial, values)
    mean = np.full((recording.n_trials, recording.size(population)), np.nan)
    number = np.bincount(trial, minlength=recording.n_trials).astype(np.float64)[:, None]
    mean[:, unit] = total / np.where(number > 0, number, np.nan)
    return mean


def _histogram(
    recording: Recording,
    population: str,
    table: Responses,
    best: NDArray[np.int64],
    weights: Array,
    start: float,
    width: float,
    number: int,
) -> Array:
    """Rate (Hz) of each unit in its condition: (weights, bins, units)."""
    rates = np.empty((len(weights), number, len(best)))
    for k in range(number):
        window = (start + k * width, start + (k + 1) * width)
        counts = recording.counts(population, window) / (width / 1000.0)
        for condition in np.unique(best):
            units = np.flatnonzero(best == condition)
            rows = np.flatnonzero(table.condition == condition)
            rates[:, k, units] = weights[:, rows] @ counts[np.ix_(rows, units)]
    return rates


def _before(
    recording: Recording,
    shown: Recording,
    population: str,
    table: Responses,
    best: NDArray[np.int64],
    weights: Array,
    start: float,
    how: Bootstrap,
) -> Array:
    """Rate (Hz) without a stimulus: (weights, units); NaN where it cannot be known."""
    calm, draws = spontaneous(recording, population, table.window, how)
    if not np.isnan(calm).any():
        return np.concatenate([calm[None], draws])
    if start < 10.0:
        return np.full((len(weights), len(best)), np.nan)
    return _histogram(shown, population, table, best, weights, 0.0, start, 1)[:, 0]


def _half_rise(rates: Array, calm: Array, width: float) -> Array:
    """Time (ms) at which each histogram (n, bins, units) first reaches half of its rise."""
    half = (rates.max(axis=1) + calm) / 2
    # What came before the first bin is the rate without a stimulus.
    curve = np.concatenate([calm[:, None], rates], axis=1)
    above = curve >= half[:, None]
    after = np.maximum(above.argmax(axis=1), 1)
    high = np.take_along_axis(curve, after[:, None], 1)[:, 0]
    low = np.take_along_axis(curve, after[:, None] - 1, 1)[:, 0]
    rise = np.where(high > low, high - low, 1.0)
    found = (after - 1 + (half - low) / rise - 0.5) * width
    return np.asarray(np.where(rates.max(axis=1) > calm, np.maximum(found, 0.0), np.nan))


def _ratio(top: Array, bottom: Array) -> Array:
    some = bottom > 0
    return np.asarray(np.where(some, top / np.where(some, bottom, 1.0), np.nan))
