"""Frequency response from a modulated input rate to the membrane potential."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scnnbio.encoding import PoissonCode
from scnnbio.errors import SpecError
from scnnbio.experiment import Experiment, Run
from scnnbio.network import Projection
from scnnbio.neurons.linearised import effective_membrane
from scnnbio.neurons.linearised import frequency_response as linearised_response
from scnnbio.units import Hertz, In, Milliseconds, plain, plain_array

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]

_RESAMPLES = 500


@dataclass(frozen=True, eq=False)
class FrequencyResponse:
    """Response of a population to a modulated input, measured and predicted.

    Parameters
    ----------
    population : str
    frequency : array, shape (frequencies,)
        Hz.
    measured : complex array, shape (frequencies,)
        mV ms: first harmonic of the potential divided by that of the rate of spikes (1/ms) that a
        neuron receives, with the delay removed.
    low, high : array, shape (2, frequencies)
        95 % confidence interval of the ratio to the prediction (first row), and of the phase in
        degrees relative to the prediction (second row), by bootstrap over trials and neurons.
    predicted : complex array, shape (frequencies,)
        Response of the linearised neuron.
    """

    population: str
    frequency: Array
    measured: Complex
    low: Array
    high: Array
    predicted: Complex

    @property
    def ratio(self) -> Array:
        """Measured gain divided by the predicted one."""
        return np.asarray(np.abs(self.measured / self.predicted))

    @property
    def covered(self) -> NDArray[np.bool_]:
        """Whether the 95 % interval of the gain contains the prediction, shape (frequencies,)."""
        return np.asarray((self.low[0] <= 1.0) & (self.high[0] >= 1.0))

    @property
    def phase_error(self) -> Array:
        """Measured phase minus the predicted one, in degrees."""
        return np.asarray(np.angle(self.measured / self.predicted, deg=True))


def harmonic(
    values: Annotated[ArrayLike, In("1")],
    time: Annotated[ArrayLike, In("ms")],
    frequency: Hertz,
) -> Complex:
    """Complex amplitude a of ``Re(a exp(2 pi i f t))`` in samples over whole cycles.

    Parameters
    ----------
    values : array, shape (samples, ...)
        Equally spaced samples.
    time : array, shape (samples,)
        ms.
    frequency : float
        Hz.

    Returns
    -------
    complex array, shape (...)

    Raises
    ------
    SpecError
        If the samples do not span a whole number of cycles.
    """
    x = plain_array(values, "1", where="harmonic.values")
    t = plain_array(time, "ms", where="harmonic.time")
    frequency = plain(frequency, "Hz", where="harmonic.frequency")
    cycles = frequency * len(t) * float(t[1] - t[0]) / 1e3
    if abs(cycles - round(cycles)) > 1e-6 or round(cycles) < 1:
        raise SpecError(
            f"{cycles:g} cycles of {frequency:g} Hz; choose a window of whole cycles",
            where="harmonic",
        )
    wave = np.exp(-2j * np.pi * frequency * t / 1e3)
    return np.asarray(2.0 / len(t) * np.tensordot(wave, x, axes=(0, 0)))


def input_harmonic(
    experiment: Experiment,
    projection: Projection,
    trial: int,
    frequency: Hertz,
    onset: Milliseconds,
) -> tuple[complex, float]:
    """First harmonic of the expected rate of spikes that a neuron receives, from the encoding.

    Parameters
    ----------
    experiment : Experiment
        With a Poisson code; the projection comes from its source, and every neuron receives the
        same expected rate.
    projection : Projection
    trial : int
    frequency : float
        Hz.
    onset : float
        ms; earlier times are ignored.

    Returns
    -------
    amplitude, mean : complex, float
        1/ms, weighted by the kernel. The time of a spike is its stamp, the end of
        its step.

    Raises
    ------
    SpecError
        If the code is not a Poisson code, trials have a gain of their own, or the field is not
        uniform.
    """
    onset = plain(onset, "ms", where="onset")
    shown, dt = experiment.frames, experiment.input_dt or experiment.dt
    code = shown.encoding.code
    if not isinstance(code, PoissonCode):
        raise SpecError(
            "a modulated rate needs a Poisson code; set encoding.code",
            where="encoding.code",
        )
    if shown.encoding.gain_spread:
        raise SpecError(
            "each trial has a gain of its own, so its rates are not known; leave it out",
            where="encoding.gain_spread",
        )
    frames = shown.frames(trial, experiment.drawing(trial, experiment.source.name))
    drive = shown.encoding.lgn.drive(frames)
    if np.ptp(drive, axis=(2, 3)).max() > 1e-9:
        raise SpecError(
            "the field is not uniform in space; show a full field",
            where="stimulus",
        )
    steps = round(experiment.trial_duration / dt)
    cells = projection.kernel[0].sum(axis=(1, 2))
    # A cell fires at most once per step.
    drawn = -np.expm1(-code.rate(drive[:, :, 0, 0]) * dt / 1e3) / dt @ cells
    frame = np.arange(steps) * len(drawn) // steps
    time = (np.arange(steps) + 1.0) * dt
    late = time > onset + 1e-9
    expected = drawn[frame][late]
    return complex(harmonic(expected, time[late], frequency)), float(expected.mean())


def frequency_response(
    run: Run, projection: str, *, onset: Milliseconds = 200.0, seed: int = 1
) -> FrequencyResponse:
    """Frequency response of a projection's target neurons, from flicker trials.

    Parameters
    ----------
    run : Run
        Run with a flickering full field at several values of ``temporal_frequency``, with ``v``
        sampled.
    projection : str
        Projection from the source, with one output map.
    onset : float
        ms that are ignored at the beginning of each trial, while the membrane settles.
    seed : int
        Seed of the bootstrap.

    Returns
    -------
    FrequencyResponse

    Raises
    ------
    SpecError
        If ``v`` was not sampled, or the rest of a trial is not a whole number of cycles.
    """
    onset = plain(onset, "ms", where="onset")
    experiment, recording = run.experiment, run.recording
    path = experiment.network.projection(projection)
    signal = recording.signals.get(path.post, {}).get("v")
    if signal is None:
        raise SpecError(
            "v was not sampled; add it to record.signals", where=f"population {path.post!r}"
        )
    frequency = np.unique(recording.trials["temporal_frequency"])
    measured, predicted = [], []
    low, high = np.zeros((2, len(frequency))), np.zeros((2, len(frequency)))
    for k, f in enumerate(frequency.tolist()):
        trials = np.flatnonzero(recording.trials["temporal_frequency"] == f)
        amplitude, mean = input_harmonic(experiment, path, int(trials[0]), f, onset)
        amplitude *= np.exp(-2j * np.pi * f * path.delay / 1e3)
        late = signal.time >= onset - 1e-9
        rows = [late & (signal.trial == trial) for trial in trials]
        each = np.concatenate([harmonic(signal.values[r], signal.time[r], f) for r in rows])
        each = each / amplitude
        expected = complex(_predicted(run, path, f, mean))

        low[:, k], high[:, k] = _interval(each / expected, seed)
        measured.append(each.mean())
        predicted.append(expected)
    return FrequencyResponse(
        path.post, frequency, np.array(measured), low, high, np.array(predicted)
    )


def frequency_responses(run: Run) -> list[FrequencyResponse]:
    """:func:`frequency_response` of every projection of a run."""
    return [frequency_response(run, p.name) for p in run.experiment.network.projections]


def analytic_curve(
    run: Run, projection: str, *, onset: Milliseconds = 200.0, points: int = 200
) -> tuple[Array, Complex]:
    """Prediction of :func:`frequency_response` on a fine grid over the frequencies shown.

    Parameters
    ----------
    run, projection, onset
        As in :func:`frequency_response`.
    points : int

    Returns
    -------
    frequency : array, shape (points,)
        Hz.
    response : complex array, shape (points,)
        mV ms.
    """
    path = run.experiment.network.projection(projection)
    shown = run.recording.trials["temporal_frequency"]
    _, mean = input_harmonic(run.experiment, path, 0, float(shown[0]), onset)
    frequency = np.geomspace(shown.min() / 1.5, shown.max() * 1.5, points)
    return frequency, _predicted(run, path, frequency, mean)


def _interval(relative: Complex, seed: int) -> tuple[Array, Array]:
    """95 % intervals of modulus and phase (deg) of a mean, by resampling trials and neurons."""
    from scipy.stats import bootstrap

    def statistic(index: NDArray[np.int64]) -> Array:
        mean = relative[index].mean()
        return np.array([np.abs(mean), np.angle(mean, deg=True)])

    found = bootstrap(
        (np.arange(len(relative)),),
        statistic,
        n_resamples=_RESAMPLES,
        vectorized=False,
        method="percentile",
        random_state=np.random.default_rng(seed),
    ).confidence_interval
    return np.asarray(found.low), np.asarray(found.high)


def _predicted(run: Run, path: Projection, frequency: ArrayLike, mean: float) -> Complex:
    """Response for the projection's weight, linearised about the mean input (spikes/ms)."""
    layer = run.experiment.network.population(path.post)
    values = {name: layer.common_value(name) for name in layer.model.parameters}
    model, receptor = layer.model, path.receptor
    at = {}
    for state in model.states:
        if state.name != "v":
            gain = linearised_response(model, receptor, 0.0, values, output=state.name)
            at[state.name] = float(gain.real) * path.weight * mean
    at["v"] = effective_membrane(model, at, values).v_inf
    return linearised_response(model, receptor, frequency, values, at) * path.weight
