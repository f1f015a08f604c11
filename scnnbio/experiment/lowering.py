"""Lower an experiment for simulators: remove sources of values, and make driven ports states."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scnnbio.errors import SpecError
from scnnbio.experiment.drive import Drive, driven_ports, noisy
from scnnbio.experiment.noise import NoiseSpikes, binary_digits, noise_source
from scnnbio.experiment.streams import Described
from scnnbio.inputs import Input
from scnnbio.network import Network, Projection
from scnnbio.neurons.noise import PoissonNoise
from scnnbio.neurons.ports import driven
from scnnbio.population import Population, SpikeSource


def lowered(experiment: Any) -> Any:
    """The experiment in the form that simulators receive.

    Parameters
    ----------
    experiment : Experiment

    Returns
    -------
    Experiment
        The same object if no values or currents drive anything. Otherwise it does not train:
        training lowers the trials that it shows.
    """
    network: Network = experiment.network
    found = driven_ports(network, experiment.inputs)
    if not found and not any(p.gives_values or p.noise for p in network.populations):
        return experiment
    populations = [
        _opened(p, found.get(p.name, ())) for p in network.populations if not p.gives_values
    ]
    projections = [p for p in network.projections if not network.population(p.pre).gives_values]
    inputs: dict[str, Input] = {p.name: experiment.inputs[p.name] for p in network.spike_sources}
    inputs |= {name: Drive(experiment, name) for name in found}
    for population in network.populations:
        for place, noise in enumerate(population.noise):
            if isinstance(noise, PoissonNoise):
                source, projection, spikes = _trains(experiment, population, place, noise)
                populations.append(source)
                projections.append(projection)
                inputs[source.name] = spikes
    signals = []
    for sampling in experiment.record.signals:
        ours = found.get(sampling.population, ())
        variables = tuple(name for name in sampling.variables if name not in ours)
        if variables:
            signals.append(dataclasses.replace(sampling, variables=variables))
    return dataclasses.replace(
        experiment,
        network=Network(tuple(populations), tuple(projections)),
        stimulus=None,
        encoding=None,
        inputs=inputs,
        training=None,
        record=dataclasses.replace(experiment.record, signals=tuple(signals)),
    )


def _opened(population: Population, names: tuple[str, ...]) -> Population:
    """A population without noise whose ports of these names are states."""
    population = noisy(population)
    if not names:
        return population
    parameters = {n: v for n, v in population.parameters.items() if n not in names}
    return dataclasses.replace(
        population, neuron=driven(population.model, names), parameters=parameters
    )


def _trains(
    experiment: Any, population: Population, place: int, noise: PoissonNoise
) -> tuple[Population, Projection, Input]:
    """A source that fires a Poisson noise, its projection, and what it fires."""
    network: Network = experiment.network
    names = {p.name for p in network.populations} | {p.name for p in network.projections}
    name = f"noise{place}_{population.name}"[:60]
    while name in names or f"{name}_in" in names:
        name = f"{name[:59]}_"
    digits = binary_digits(noise.rate * (experiment.input_dt or experiment.dt) / 1000.0)
    shape, connector = noise_source(population, name, digits)
    projection = Projection(
        name,
        population.name,
        connector,
        weight=noise.weight,
        delay=experiment.dt,
        receptor=noise.receptor,
        name=f"{name}_in",
    )
    spikes = NoiseSpikes(
        population.name,
        place,
        noise.rate,
        population.shape,
        digits,
        experiment.n_trials,
        experiment.trial_duration,
    )
    return Population(name, shape, SpikeSource()), projection, spikes


def check_delays(experiment: Described) -> None:
    """Raise if a delay of values exceeds the trial duration and trials are not reset.

    Raises
    ------
    SpecError
    """
    network = experiment.network
    for projection in network.projections:
        late = experiment.delay_steps(projection)[-1] > experiment.trial_steps
        if late and not experiment.reset and network.population(projection.pre).gives_values:
            raise SpecError(
                "the delay of values exceeds the trial, and trials are not reset; shorten the"
                " delay, or"
                " set reset = true",
                where=f"projection {projection.name!r}.delay",
            )


def sampled_ports(experiment: Any) -> dict[tuple[str, str], NDArray[np.float64]]:
    """Samples of driven ports that the record requests.

    Parameters
    ----------
    experiment : Experiment
        The experiment before lowering.

    Returns
    -------
    dict of (population, port) to ndarray (samples, units)
    """
    drives = experiment.lowered.drives
    found = {}
    for sampling in experiment.record.signals:
        drive = drives.get(sampling.population)
        for name in sampling.variables if drive is not None else ():
            if name in drive.ports:
                found[sampling.population, name] = _sampled(experiment, drive, name, sampling)
    return found


def _sampled(experiment: Any, drive: Drive, name: str, sampling: Any) -> NDArray[np.float64]:
    length = experiment.trial_steps
    every = experiment.steps(sampling.period or experiment.dt, "record.signals.period")
    units = slice(None) if sampling.units is None else np.array(sampling.units)
    rows = -(-experiment.n_trials * length // every)
    samples = np.zeros((rows, len(np.arange(drive._described.size)[units])))
    for trial in range(experiment.n_trials):
        for change in drive.changes(trial):
            if change.port == name:
                # A sample shows the last change at or before its time.
                begin = -(-(trial * length + change.step) // every)
                samples[begin : -(-((trial + 1) * length) // every)] = change.values[units]
    return samples
