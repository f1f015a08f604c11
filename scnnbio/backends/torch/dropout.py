"""Neurons that are left out of a trial while a network learns.

References
----------
Srivastava et al. 2014, J Mach Learn Res 15:1929 (dropout); Lee et al. 2020, Front Neurosci 14:119
(in spiking networks: one draw for the whole of a trial).
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from scnnbio.errors import SpecError, hint
from scnnbio.network import Network


class Dropout:
    """Factors on the spikes that leave each population, drawn for each trial.

    Parameters
    ----------
    network : Network
    shares : mapping of str to float
        Population → share of its neurons that are left out, from 0 to below 1.
    seed : int
    dtype : torch.dtype

    Raises
    ------
    SpecError
        If a population is unknown, feeds no other, or gives values rather than spikes.
    """

    def __init__(
        self, network: Network, shares: Mapping[str, float], seed: int, dtype: torch.dtype
    ) -> None:
        shapes = {p.name: p.shape for p in network.populations}
        feeding = {p.pre for p in network.projections}
        valued = [p.name for p in network.populations if p.gives_values]
        for name in shares:
            where = f"training.dropout.{name}"
            if name not in shapes:
                raise SpecError(
                    f"there is no population {name!r}; {hint(name, shapes)}", where=where
                )
            if name not in feeding:
                raise SpecError(
                    f"{name!r} feeds no population, so leaving its neurons out changes nothing",
                    where=where,
                )
            if name in valued:
                raise SpecError(
                    f"{name!r} gives values, which are not left out; name a population that fires",
                    where=where,
                )
        self.shapes = {name: shapes[name] for name in shares}
        self.shares, self.dtype = {n: share for n, share in shares.items() if share}, dtype
        self.generator = torch.Generator().manual_seed(seed)

    def factors(self, trials: int) -> dict[str, Tensor]:
        """Draw which neurons are left out, for a number of trials.

        Returns
        -------
        dict of str to Tensor (trial, channel, row, column)
            0 for a neuron that is left out; for the others one over their share, so that a
            population brings as much as without.
        """
        found = {}
        for name, share in self.shares.items():
            drawn = torch.rand((trials, *self.shapes[name]), generator=self.generator)
            found[name] = (drawn >= share).to(self.dtype) / (1.0 - share)
        return found
