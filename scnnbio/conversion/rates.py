"""Rates of a converted network against the activations of its module, layer by layer."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import ArrayLike

from scnnbio.conversion.affine import FloatArray
from scnnbio.conversion.converted import Converted
from scnnbio.conversion.tracing import trace
from scnnbio.errors import ConversionWarning, SpecError
from scnnbio.recording import Recording
from scnnbio.units import In

#: Share of a layer's neurons and images that may saturate before a warning.
_SATURATED = 0.01


@dataclass(frozen=True, eq=False)
class LayerRates:
    """A layer's activations in the module and in spikes.

    Parameters
    ----------
    name : str
    activation : ndarray (trials, neurons)
        In the module.
    spiking : ndarray (trials, neurons)
        What the spikes stand for.
    saturated : float
        Share of trials and neurons whose activation exceeds the scale of the layer.
    silent : float
        Share of neurons that fire in no trial; 0 for a sum.
    """

    name: str
    activation: FloatArray
    spiking: FloatArray
    saturated: float
    silent: float

    @property
    def error(self) -> float:
        """Root of the mean squared difference, as a share of the activation's own mean square."""
        size = float(np.sqrt(np.mean(self.activation**2)))
        away = float(np.sqrt(np.mean((self.spiking - self.activation) ** 2)))
        return away / size if size else float(away > 0)

    def row(self) -> dict[str, Any]:
        """The layer as a row of a table."""
        return {
            "layer": self.name,
            "neurons": self.activation.shape[1],
            "activation": float(self.activation.mean()),
            "spiking": float(self.spiking.mean()),
            "error": self.error,
            "saturated": self.saturated,
            "silent": self.silent,
        }


def compare(
    converted: Converted,
    module: Any,
    images: Annotated[ArrayLike, In("1")],
    recording: Recording,
    steps: int,
) -> tuple[LayerRates, ...]:
    """Every recorded layer's activations, in the module and in spikes.

    Parameters
    ----------
    converted : Converted
    module : torch.nn.Module
        Of which it was made.
    images : array (trials, ...)
        What the recording was shown.
    recording : Recording
        Of ``converted.experiment(images, steps)``.
    steps : int

    Returns
    -------
    tuple of LayerRates
        In the order of the layers, those that were recorded.

    Warns
    -----
    ConversionWarning
        If a layer is silent, or more than 1 % of its activations exceed its scale.
    """
    traced = {layer.name: layer for layer in trace(module, images)}
    found = []
    for layer in converted.layers:
        if layer.name not in traced:
            raise SpecError(f"has no layer {layer.name!r}; give the same one", where="module")
        if layer.name not in recording.spikes and layer.name not in recording.signals:
            continue
        theirs = traced[layer.name].values
        if len(theirs) != recording.n_trials:
            raise SpecError(
                f"{len(theirs)} images for {recording.n_trials} trials", where="compare.images"
            )
        ours = converted.activations(recording, layer.name, steps)
        saturated = silent = 0.0
        if layer.fires:
            saturated = float((theirs > layer.scale * (1 + 1e-12)).mean())
            silent = float((ours.max(axis=0) == 0).mean())
            _warn(layer.where, saturated, silent)
        found.append(LayerRates(layer.name, theirs, ours, saturated, silent))
    return tuple(found)


def _warn(where: str, saturated: float, silent: float) -> None:
    said = []
    if silent == 1.0:
        said.append(
            "none of its neurons fired; use more steps, a lower percentile, or scale='channel'"
        )
    if saturated > _SATURATED:
        said.append(
            f"{saturated:.1%} of its activations exceed the one that stands for the greatest rate;"
            " use a higher percentile, or images that represent these"
        )
    for words in said:
        warnings.warn(f"{where}: {words}", ConversionWarning, stacklevel=3)
