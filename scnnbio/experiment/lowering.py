"""An experiment as a simulator gets it: without sources of values, and with driven ports open."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scnnbio.errors import SpecError
from scnnbio.experiment.drive import Described, Drive, driven_ports
from scnnbio.inputs import Input
from scnnbio.network import Network
from scnnbio.neurons.ports import driven
from scnnbio.population import Population


def lowered(experiment: Any) -> Any:
    """The same experiment as a simulator gets it.

    Parameters
    ----------
    experiment : Experiment

    Returns
    -------
    Experiment
        The same one if nothing in it is driven by values or currents.
    """
    network: Network = experiment.network
    found = driven_ports(network, experiment.inputs)
    if not found and not any(p.gives_values for p in network.populations):
        return experiment
    populations = tuple(
        _opened(p, found[p.name]) if p.name in found else p
        for p in network.populations
        if not p.gives_values
    )
    projections = tuple(
        p for p in network.projections if not network.population(p.pre).gives_values
    )
    inputs: dict[str, Input] = {p.name: experiment.inputs[p.name] for p in network.spike_sources}
    inputs |= {name: Drive(experiment, name) for name in found}
    signals = []
    for sampling in experiment.record.signals:
        ours = found.get(sampling.population, ())
        variables = tuple(name for name in sampling.variables if name not in ours)
        if variables:
            signals.append(dataclasses.replace(sampling, variables=variables))
    return dataclasses.replace(
        experiment,
        network=Network(populations, projections),
        stimulus=None,
        encoding=None,
        inputs=inputs,
        record=dataclasses.replace(experiment.record, signals=tuple(signals)),
    )


def _opened(population: Population, names: tuple[str, ...]) -> Population:
    """A population whose ports of these names are states."""
    parameters = {n: v for n, v in population.parameters.items() if n not in names}
    return dataclasses.replace(
        population, neuron=driven(population.model, names), parameters=parameters
    )


def check_delays(experiment: Described) -> None:
    """Raise if values are longer on their way than a trial lasts, where trials run on.

    Raises
    ------
    SpecError
    """
    network = experiment.network
    for projection in network.projections:
        late = experiment.delay_steps(projection)[-1] > experiment.trial_steps
        if late and not experiment.reset and network.population(projection.pre).gives_values:
            raise SpecError(
                "values arrive later than a trial lasts, and trials run on; shorten the delay, or"
                " set reset = true",
                where=f"projection {projection.name!r}.delay",
            )


def sampled_ports(experiment: Any) -> dict[tuple[str, str], NDArray[np.float64]]:
    """Samples of driven ports that the record asks for.

    Parameters
    ----------
    experiment : Experiment
        As it was described.

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
                # The last change that is not later than a sample is what the sample shows.
                begin = -(-(trial * length + change.step) // every)
                samples[begin : -(-((trial + 1) * length) // every)] = change.values[units]
    return samples
