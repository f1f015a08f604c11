"""Input spikes as tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from scnnbio.experiment.drive import Drive
from scnnbio.experiment.inputs import first_units
from scnnbio.population import Population


class Trial(NamedTuple):
    """Input of one trial.

    Parameters
    ----------
    step, unit : ndarray (spikes,)
        Stamps in steps since the trial began, and units counted on over all sources.
    drives : mapping of str to Drive
        By driven population.
    number : int
        Of the trial, for its drives.
    """

    step: NDArray[np.int32]
    unit: NDArray[np.int32]
    drives: Mapping[str, Drive] = MappingProxyType({})
    number: int = 0


def dense(
    trials: Sequence[tuple[Any, ...]],
    sources: Sequence[Population],
    begin: int,
    end: int,
    dtype: torch.dtype,
) -> dict[str, Tensor]:
    """Spikes of some steps of some trials.

    Parameters
    ----------
    trials : sequence of (step, unit, ...)
    sources : sequence of Population
    begin, end : int
        Steps ``begin + 1`` to ``end`` of each trial.
    dtype : torch.dtype

    Returns
    -------
    dict of str to Tensor (step, trial, channel, row, column)
        By source.
    """
    size = sum(source.size for source in sources)
    cuts = [np.searchsorted(trial[0], (begin + 1, end + 1)) for trial in trials]
    place = [
        ((step[a:b].astype(np.int64) - begin - 1) * len(trials) + k) * size + unit[a:b]
        for k, ((step, unit, *_), (a, b)) in enumerate(zip(trials, cuts, strict=True))
    ]
    flat = torch.zeros((end - begin) * len(trials) * size, dtype=dtype)
    flat[torch.as_tensor(np.concatenate(place))] = 1.0
    whole = flat.view(end - begin, len(trials), size)
    firsts = [*first_units(sources), size]
    return {
        source.name: whole[:, :, a:b].reshape(end - begin, len(trials), *source.shape)
        for source, a, b in zip(sources, firsts[:-1], firsts[1:], strict=True)
    }
