"""Biases that take away what a few steps are off by on average, layer after layer.

References
----------
Li et al. 2021, ICML, PMLR 139:6316 (bias correction by channel).
"""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable
from typing import Annotated, Any

import numpy as np
from numpy.typing import ArrayLike

from scnnbio.connectors import DenseConnector
from scnnbio.conversion.affine import FloatArray
from scnnbio.conversion.converted import BIAS, Converted, Layer
from scnnbio.conversion.tracing import trace
from scnnbio.errors import ConversionWarning
from scnnbio.experiment import Experiment
from scnnbio.network import Network, Projection
from scnnbio.population import Population, ValueSource
from scnnbio.recording import Recording
from scnnbio.units import In


def calibrate(
    converted: Converted,
    module: Any,
    images: Annotated[ArrayLike, In("1")],
    steps: int,
    run: Callable[[Experiment], Recording],
) -> Converted:
    """The network with biases by which each channel has the module's mean activation.

    Layers are corrected one after another, each with those before it corrected already.

    Parameters
    ----------
    converted : Converted
        Driven by values.
    module : torch.nn.Module
        Of which it was made.
    images : array (images, ...)
        Not those that the network is judged by.
    steps : int
        T for which it is corrected.
    run : callable
        Gives the recording of an experiment, such as
        ``lambda experiment: backends.get("brian2").run(experiment).recording``.

    Returns
    -------
    Converted
    """
    theirs = {layer.name: layer.values for layer in trace(module, images)}
    for layer in converted.layers:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConversionWarning)
            experiment = converted.experiment(images, steps)
        ours = converted.activations(run(experiment), layer.name, steps)
        away = (theirs[layer.name] - ours).mean(axis=0).reshape(layer.shape[0], -1).mean(axis=1)
        each = np.repeat(away, ours.shape[1] // len(away))
        converted = _with_bias(converted, layer, each / layer.scale)
    return converted


def _with_bias(converted: Converted, layer: Layer, added: FloatArray) -> Converted:
    """The network with more bias in a layer, in shares of its scale."""
    network = converted.network
    populations, projections = list(network.populations), list(network.projections)
    if not any(p.name == BIAS for p in populations):
        populations.insert(1, Population(BIAS, (1, 1, 1), ValueSource()))
    for k, projection in enumerate(projections):
        if (projection.pre, projection.post) == (BIAS, layer.name):
            kernel = projection.connector.kernel + added[:, None]
            connector = projection.connector.with_kernel(kernel)
            projections[k] = dataclasses.replace(projection, connector=connector)
            break
    else:
        projections.append(
            Projection(
                BIAS,
                layer.name,
                DenseConnector(added[:, None], (1, 1, 1), layer.shape),
                weight=converted.r_max / 1000.0,
                delay=layer.depth * converted.dt,
                receptor="i_offset",
            )
        )
    return dataclasses.replace(converted, network=Network(tuple(populations), tuple(projections)))
