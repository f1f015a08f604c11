"""Weights in thresholds: the activation that stands for the greatest rate, by layer or channel.

References
----------
Diehl et al. 2015, IJCNN; Rueckauer et al. 2017, Front Neurosci 11:682 (the percentile, by channel,
biases).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Literal

import numpy as np

from scnnbio.conversion.affine import FloatArray
from scnnbio.conversion.tracing import Activation
from scnnbio.errors import ConversionWarning

Scale = Literal["layer", "channel"]


def scales(layers: Sequence[Activation], scale: Scale, percentile: float) -> dict[str, FloatArray]:
    """For each layer that fires, the activation (channels,) of a neuron that fires at r_max.

    That of a QCFS is its threshold, in all channels. A channel without activity takes that of its
    layer.
    """
    found = {}
    for layer in layers:
        channels = layer.before.shape[0]
        if not layer.fires:
            found[layer.name] = np.ones(channels)
            continue
        if layer.threshold is not None:
            found[layer.name] = np.full(channels, layer.threshold)
            continue
        whole = _largest(layer.values, percentile)
        if whole <= 0:
            warnings.warn(
                f"{layer.where}: no activation for these images comes to more than 0 at the"
                f" percentile {percentile:g}, so that its population {layer.name!r} will be"
                " silent; give other images or a higher percentile",
                ConversionWarning,
                stacklevel=3,
            )
            whole = float(layer.values.max()) if layer.values.max() > 0 else 1.0
        most = np.full(channels, whole)
        if scale == "channel":
            by_channel = layer.values.reshape(len(layer.values), channels, -1)
            each = np.array([_largest(by_channel[:, k], percentile) for k in range(channels)])
            most = np.where(each > 0, each, most)
        found[layer.name] = most
    return found


def _largest(values: FloatArray, percentile: float) -> float:
    return float(np.percentile(values, percentile))
