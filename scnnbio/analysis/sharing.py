"""Kernels that places share or have to themselves: orientation over learning, and invariance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scnnbio.analysis import tuning
from scnnbio.analysis.receptive_fields import on_minus_off
from scnnbio.analysis.spectra import kernel_tuning, spectral_peak
from scnnbio.errors import SpecError
from scnnbio.experiment import Run

Array = NDArray[np.float64]

#: Circular variance below which a kernel counts as oriented, as for cells (Ringach et al. 2002).
ORIENTED = 0.6
#: Share of oriented kernels at which a layer has learned them.
_LEARNED = 0.5


@dataclass(frozen=True, eq=False)
class Learned:
    """Kernels of one way of sharing, over learning.

    Parameters
    ----------
    trial : array, shape (snapshots,)
        Patterns seen.
    oriented : array, shape (snapshots,)
        Share of kernels with a circular variance below 0.6.
    variance : array, shape (snapshots,)
        Median circular variance.
    patterns : float
        Patterns after which half of the kernels are oriented, on a line between snapshots;
        infinite if they never are.
    invariance : array, shape (maps,)
        Mean correlation of a map's final kernels at two places.
    kernels : array, shape (maps, places, rows, columns)
        ON less OFF at each place, at the end.
    """

    trial: Array
    oriented: Array
    variance: Array
    patterns: float
    invariance: Array
    kernels: Array


def learned(run: Run) -> dict[str, Learned]:
    """The three ways of sharing of a run of the model ``shared_kernels``.

    Parameters
    ----------
    run : Run
        With snapshots of its three learning projections.

    Returns
    -------
    dict of str to Learned
        "strict", "region" and "none".

    Raises
    ------
    SpecError
        If there are no such snapshots.
    """
    shots = run.recording.snapshots
    names = {way: f"learned_{way}" for way in ("strict", "region", "none")}
    if not set(names.values()) <= set(shots):
        raise SpecError("kept no snapshots of kernels that are shared", where="learned")
    maps, found = shots[names["strict"]].values.shape[1], {}
    for way, name in names.items():
        values = shots[name].values
        images = np.array([on_minus_off(kernel, "learned") for kernel in values])
        _, rows, columns = run.experiment.network.projection(name).connector.out_shape
        # Kernels are (region, map); all places of a region have the same.
        final = images[-1].reshape(-1, maps, *images.shape[2:]).swapaxes(0, 1)
        final = np.repeat(final, rows * columns, axis=1)
        found[way] = _learned(shots[name].trial.astype(np.float64), images, final)
    return found


def _learned(trial: Array, own: Array, final: Array) -> Learned:
    variances = np.array([_variance(images) for images in own])
    oriented = (variances < ORIENTED).mean(axis=1)
    above = np.flatnonzero(oriented >= _LEARNED)
    patterns = np.inf
    if len(above):
        k = int(above[0])
        patterns = float(trial[k])
        if k:
            rise = oriented[k] - oriented[k - 1]
            patterns -= (oriented[k] - _LEARNED) / rise * (trial[k] - trial[k - 1])
    flat = final.reshape(*final.shape[:2], -1)
    flat = flat - flat.mean(axis=-1, keepdims=True)
    norm = np.sqrt((flat**2).sum(axis=-1, keepdims=True))
    unit = flat / np.where(norm > 0, norm, 1.0)
    number = unit.shape[1]
    pairs = np.einsum("mpx,mqx->mpq", unit, unit)
    invariance = (pairs.sum(axis=(1, 2)) - np.trace(pairs, axis1=1, axis2=2)) / max(
        number * (number - 1), 1
    )
    return Learned(trial, oriented, np.nanmedian(variances, axis=1), patterns, invariance, final)


def _variance(images: Array) -> Array:
    """Circular variance of the linear response of each image to gratings."""
    frequency, _ = spectral_peak(images)
    amplitude, orientation = kernel_tuning(images, frequency)
    return np.asarray(tuning.circular_variance(amplitude, orientation))
