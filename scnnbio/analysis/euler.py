"""Effect of long time steps on a membrane, measured on runs under constant current."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scnnbio.errors import SpecError
from scnnbio.experiment import Run
from scnnbio.neurons.linearised import effective_membrane, euler_stability
from scnnbio.neurons.rates import firing_rate
from scnnbio.population import Population

Array = NDArray[np.float64]

#: Deviations below this fraction of the first are rounding errors.
_ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class Membranes:
    """A population under constant current, one membrane time constant per channel.

    Parameters
    ----------
    population, integrator : str
    tau : array, shape (channels,)
        Membrane time constant in ms.
    ratio : array, shape (channels,)
        dt divided by tau.
    rate : array, shape (channels,)
        Hz, for the channel's first neuron over the whole run.
    closed_rate, grid_rate : array, shape (channels,)
        Hz, from the closed form, and from the closed form with a whole number of steps to
        threshold.
    predicted : array, shape (channels,)
        Factor on the deviation from the final potential per step: ``1 - dt/tau_m`` for forward
        Euler, ``exp(-dt/tau_m)`` for the exact step.
    """

    population: str
    integrator: str
    tau: Array
    ratio: Array
    rate: Array
    closed_rate: Array
    grid_rate: Array
    predicted: Array


def membranes(run: Run, population: str) -> Membranes:
    """Rates of a population, and the expected rates.

    Parameters
    ----------
    run : Run
        Run of one trial under constant current.
    population : str
        Population of a model with a leak, whose spikes were recorded.

    Returns
    -------
    Membranes

    Raises
    ------
    SpecError
        If the run has several trials, or the model has no closed form of its rate.
    """
    layer, dt = run.experiment.network.population(population), run.experiment.dt
    if run.recording.n_trials != 1:
        raise SpecError(f"the run has {run.recording.n_trials} trials; run one", where="membranes")
    sets = _parameters(layer)
    counts = run.recording.counts(population)[0].reshape(layer.shape)[:, 0, 0]
    tau = np.array([effective_membrane(layer.model, parameters=p).tau for p in sets])
    rates = {
        step: np.array([float(firing_rate(layer.model, p["i_offset"], p, dt=step)) for p in sets])
        for step in (None, dt)
    }
    euler = layer.model.integrator == "forward-euler"
    return Membranes(
        population=population,
        integrator=layer.model.integrator,
        tau=tau,
        ratio=dt / tau,
        rate=np.asarray(counts / run.experiment.duration * 1e3),
        closed_rate=rates[None],
        grid_rate=rates[dt],
        predicted=np.array(
            [euler_stability(layer.model, p).factors(dt)[0].real for p in sets]
            if euler
            else np.exp(-dt / tau)
        ),
    )


def factors(run: Run, population: str) -> Array:
    """Measured factor by which a deviation from the final potential changes per step.

    Least squares of each sample's deviation on that of the previous sample, up to the first spike
    and while the deviation exceeds rounding errors.

    Parameters
    ----------
    run : Run
        Run of one trial, in which ``v`` was sampled at every step.
    population : str

    Returns
    -------
    array, shape (channels,)
        NaN where a channel fires in the first step.

    Raises
    ------
    SpecError
        If ``v`` was not sampled at every step.
    """
    layer, dt = run.experiment.network.population(population), run.experiment.dt
    signal = run.recording.signals.get(population, {}).get("v")
    if signal is None or not np.isclose(signal.period, dt):
        raise SpecError("v was not sampled at every step; leave out 'period'", where=population)
    spikes = run.recording.spikes_of(population)
    found = np.full(layer.shape[0], np.nan)
    for channel, parameters in enumerate(_parameters(layer)):
        unit = channel * layer.shape[1] * layer.shape[2]
        final = effective_membrane(layer.model, parameters=parameters).v_inf
        deviation = signal.values[:, unit] - final
        fired = spikes.time[spikes.unit == unit]
        # A sample is the state at the beginning of a step, after the reset of a spike at that time.
        last = len(deviation) if not len(fired) else round(float(fired.min()) / dt)
        deviation = deviation[:last]
        small = np.abs(deviation) < _ROUNDING * np.abs(deviation[:1])
        if small.any():
            deviation = deviation[: int(small.argmax()) + 1]
        if len(deviation) > 1:
            before, after = deviation[:-1], deviation[1:]
            found[channel] = (before @ after) / (before @ before)
    return found


def relative_potentials(run: Run, population: str) -> Array:
    """Potential from rest divided by its final value, for each channel's first neuron.

    Parameters
    ----------
    run : Run
        Run in which ``v`` was sampled.
    population : str
        Driven by ``i_offset``.

    Returns
    -------
    array, shape (samples, channels)
    """
    layer = run.experiment.network.population(population)
    values = layer.values()
    v = run.recording.signals[population]["v"].values[:, :: layer.size // layer.shape[0]]
    final = values["i_offset"] * values["tau_m"] / values["cm"]
    return np.asarray((v - values["v_rest"]) / final)


def _parameters(layer: Population) -> list[dict[str, float]]:
    """Parameters of each channel."""
    values = layer.values()
    return [{name: float(v[k]) for name, v in values.items()} for k in range(layer.shape[0])]
