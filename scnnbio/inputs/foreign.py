"""Checks of spikes and frames from classes of other packages, before a simulator takes them.

A backend takes spikes and frames unchecked: spikes outside the trial or the population would be
lost or misplaced without an error. Classes of scnnbio are tested instead.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scnnbio.errors import SpecError
from scnnbio.inputs.base import Draw, Trial
from scnnbio.units import Milliseconds, plain


def _is_foreign(value: object) -> bool:
    """Whether its class, or that of the code inside it, is of another package."""
    if not type(value).__module__.startswith("scnnbio."):
        return True
    inner = getattr(value, "code", None)
    return inner is not None and _is_foreign(inner)


def checked_spikes(found: Trial, source: object, duration: Milliseconds, draw: Draw) -> Trial:
    """Check the spikes of one trial, and return them unchanged.

    Parameters
    ----------
    found : (step, unit)
        As :meth:`Input.spikes` describes them.
    source : object
        The object that drew them.
    duration : float
        Of the trial (ms).
    draw : Draw

    Raises
    ------
    SpecError
        If a class of another package drew them, and they are not as described.
    """
    if not _is_foreign(source):
        return found
    step, unit = found
    steps = round(plain(duration, "ms", where="duration") / draw.dt)
    size = int(np.prod(draw.shape))
    wrong = ""
    arrays = all(isinstance(a, np.ndarray) and a.ndim == 1 for a in found)
    if not arrays or len(step) != len(unit) or {step.dtype.kind, unit.dtype.kind} - {"i", "u"}:
        wrong = "steps and units are not two arrays of equally many whole numbers"
    elif not len(step):
        return found
    elif not 1 <= step.min() <= step.max() <= steps:
        wrong = f"steps reach from {step.min()} to {step.max()}, not from 1 to {steps}"
    elif not 0 <= unit.min() <= unit.max() < size:
        wrong = f"units reach from {unit.min()} to {unit.max()}, and there are {size} neurons"
    elif (np.diff(step.astype(np.int64) * size + unit) <= 0).any():
        wrong = "they are not sorted by step, then unit, with each pair once"
    if wrong:
        raise SpecError(f"{type(source).__name__} drew spikes that cannot be used: {wrong}")
    return found


def checked_frames(
    frames: NDArray[np.float64], shape: tuple[int, int], stimulus: object
) -> NDArray[np.float64]:
    """Check the frames of one trial, and return them unchanged.

    Parameters
    ----------
    frames : array (n_frames, rows, columns)
    shape : (rows, columns)
    stimulus : object
        The object that drew them.

    Raises
    ------
    SpecError
        If a class of another package drew them, and they have another shape or are not finite.
    """
    if not _is_foreign(stimulus):
        return frames
    wrong = ""
    if not isinstance(frames, np.ndarray) or frames.shape[1:] != shape or not len(frames):
        wrong = f"of shape {np.shape(frames)}, not (frames, {shape[0]}, {shape[1]})"
    elif frames.dtype.kind not in "fiu" or not np.isfinite(frames).all():
        wrong = "not finite numbers"
    if wrong:
        where = "stimulus"
        raise SpecError(f"{type(stimulus).__name__} drew frames that are {wrong}", where=where)
    return frames
