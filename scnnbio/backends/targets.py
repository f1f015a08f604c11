"""Backends that can run a neuron model, as they report themselves."""

from __future__ import annotations

import numpy as np

from scnnbio import backends
from scnnbio.connectors import ConvolutionConnector
from scnnbio.encoding import LGN, Encoding, PoissonCode
from scnnbio.errors import BackendMissing
from scnnbio.experiment import Experiment
from scnnbio.network import Network, Projection
from scnnbio.neurons.model import NeuronModel
from scnnbio.population import Population, SpikeSource
from scnnbio.stimuli import WhiteNoise


def targets(model: NeuronModel) -> dict[str, str]:
    """What each backend lacks to run a neuron model.

    Parameters
    ----------
    model : NeuronModel

    Returns
    -------
    dict of str to str
        Backend → empty text if it runs the neuron, else what it lacks and what to do instead.

    Raises
    ------
    SpecError
        If the dimensions of an equation do not fit.
    """
    lacking = {}
    for name in backends.names():
        try:
            problems = backends.get(name).unsupported(_probe(model))
        except BackendMissing as error:
            lacking[name] = error.message
            continue
        lacking[name] = "; ".join(f"{problem.feature}; {problem.remedy}" for problem in problems)
    return lacking


def _probe(model: NeuronModel) -> Experiment:
    """A minimal experiment with one neuron driven by noise."""
    shape = (2, 1, 1)
    layers = (Population("source", shape, SpikeSource()), Population("neuron", (1, 1, 1), model))
    connector = ConvolutionConnector(np.ones((1, 2, 1, 1)), shape)
    joined = tuple(
        Projection("source", "neuron", connector, receptor=receptor)
        for receptor in list(model.receptors)[:1]
    )
    # A refractory period must be a whole number of steps, so the probe has a fine step.
    return Experiment(
        Network(layers, joined), WhiteNoise(n_trials=1), Encoding(LGN(), PoissonCode()), dt=0.05
    )
