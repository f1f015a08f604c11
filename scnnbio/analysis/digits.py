"""Classification of digits by a layer's spikes and by pixels, and convergence of learning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import numpy as np
from numpy.typing import NDArray

from scnnbio.analysis.readout import (
    PooledCounts,
    ReadOut,
    Split,
    labels_of,
    linear_classifiers,
    read_out,
)
from scnnbio.errors import SpecError
from scnnbio.experiment import Run
from scnnbio.inputs import FromImages
from scnnbio.recording import Recording, Snapshots
from scnnbio.recording.checks import Shape
from scnnbio.units import In, Number, plain, plain_array

if TYPE_CHECKING:
    from scipy.sparse import csr_array

#: Costs for pixels, whose values are smaller and denser than counts.
PIXEL_COSTS = (0.005, 0.02, 0.1)


def quarters(population: str, shape: Shape) -> PooledCounts:
    """Square roots of counts in windows of a quarter of a layer's rows, half a window apart.

    For 28 rows: windows of 7 x 7, every 3 rows and columns, starting 3 beyond the edge.

    Parameters
    ----------
    population : str
    shape : (channel, row, column)

    Returns
    -------
    PooledCounts
    """
    size = max(max(shape[1:]) // 4, 1)
    half = size // 2
    return PooledCounts(population, size, max(half, 1), min(half, size - 1), of_count="root")


def layer_features(recording: Recording, *populations: str | PooledCounts) -> csr_array:
    """Pooled counts of several layers side by side.

    Parameters
    ----------
    recording : Recording
    *populations : str or PooledCounts
        A layer by name is pooled in :func:`quarters`; a PooledCounts names a layer and its windows.

    Returns
    -------
    scipy.sparse.csr_array of float32, shape (trials, features)
        Layers in the given order.

    Raises
    ------
    SpecError
        If no layer is named, spikes of one are missing, or its windows do not fit.
    """
    from scipy.sparse import csr_array, hstack

    if not populations:
        raise SpecError("name a layer, at least one", where="layer_features.populations")
    pools = []
    for given in populations:
        if isinstance(given, PooledCounts):
            pools.append(given)
            continue
        recording.size(given)  # raises an error that lists the recorded populations
        pools.append(quarters(given, recording.shapes[given]))
    return csr_array(hstack([pool.of(recording) for pool in pools], format="csr"))


def layer_read_out(run: Run, *populations: str | PooledCounts, column: str = "label") -> ReadOut:
    """Linear read-out of the spikes of several layers together, for images with labels and parts.

    Parameters
    ----------
    run : Run
        Its trial table has the column ``part``.
    *populations : str or PooledCounts
        As in :func:`layer_features`.
    column : str
        Column of the labels.

    Returns
    -------
    ReadOut

    Raises
    ------
    SpecError
        If columns or spikes are missing.
    """
    recording = run.recording
    features = layer_features(recording, *populations)
    return read_out(features, labels_of(recording, column), Split.by_column(recording))


def pixel_read_out(run: Run, source: str = "retina", column: str = "label") -> ReadOut:
    """Linear read-out of the images themselves, on the same split.

    Parameters
    ----------
    run : Run
    source : str
        The population that the images drive.
    column : str
        Column of the labels.

    Returns
    -------
    ReadOut

    Raises
    ------
    SpecError
        If the source is not driven by images, or columns are missing.
    """
    driven = run.experiment.inputs[source]
    if not isinstance(driven, FromImages):
        raise SpecError(f"{source!r} is not driven by images", where="pixel_read_out")
    pixels = driven.values.reshape(driven.n_trials, -1)
    pixels = pixels / 255.0 if pixels.dtype == np.uint8 else pixels
    recording = run.recording
    split = Split.by_column(recording)
    labels = labels_of(recording, column)
    return read_out(pixels, labels, split, linear_classifiers(PIXEL_COSTS))


def unsettled(weights: Annotated[NDArray[np.float64], In("1")]) -> float:
    """Mean distance of weights from their bounds 0 and 1, as 4 w (1 - w).

    1 if all weights are one half, 0 if all are at a bound, where learning has converged
    (Kheradpisheh et al. 2018, Neural Netw 99:56, whose index is the mean of w (1 - w)).
    """
    values = plain_array(weights, "1", where="weights")
    return float(4.0 * (values * (1.0 - values)).mean())


def images_to_convergence(snapshots: Snapshots, limit: Number = 0.04) -> int | None:
    """Number of images after which the kernels as a whole have converged.

    Parameters
    ----------
    snapshots : Snapshots
        Snapshots of a kernel whose weights are from 0 to 1.
    limit : float
        Value of :func:`unsettled` below which kernels have converged.

    Returns
    -------
    int or None
        None if they never converge.
    """
    limit = plain(limit, "1", where="images_to_convergence.limit")
    for trial, values in zip(snapshots.trial, snapshots.values, strict=True):
        if unsettled(values) < limit:
            return int(trial) + 1
    return None
