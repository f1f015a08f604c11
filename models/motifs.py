"""A layer in one dimension that learns motifs of sequences by STDP, without labels."""

from __future__ import annotations

import numpy as np

from scnnbio.connectors import ConvolutionConnector
from scnnbio.errors import SpecError
from scnnbio.network import Network, Projection
from scnnbio.neurons.parts import compose, delta, perfect
from scnnbio.plasticity import SharedThreshold, Trace, TraceRule, WinnerTakeAll
from scnnbio.population import Population, SpikeSource
from scnnbio.units import plain

#: Integrate-and-fire without leak; a spike changes the potential at once.
IF_CURR_DELTA = compose(
    "IF_curr_delta", perfect(), [delta()], reference="Kheradpisheh et al. 2018, Neural Netw 99:56"
)
_LARGEST = 10**7


def build(
    *,
    length: int = 200,
    maps: int = 100,
    size: int = 12,
    threshold: float | str = 7.0,
    share: float = 0.05,
    eta: float | str = 0.5,
    rate: float = 0.2,
    trial: float | str = 4.0,
    seed: int = 0,
) -> Network:
    """Bases that fire once each, all at one time, and cells that see ``size`` bases in a row.

    A cell's potential is the match of its kernel with the bases before it. It fires where that
    exceeds the threshold of its map, which rises with every spike and falls in between, so that
    each map fires in about the same share of the sequences: a map that matches nothing in
    particular lets its threshold fall, learns what it meets, and wanders, until it meets what comes
    again. In each sequence the cell of a map that is farthest above its threshold learns: every
    weight moves to 1 where its base was there, and to 0 where it was not. Cells of other maps whose
    bases overlap with those of a winner do not.

    Parameters
    ----------
    length : int
        Bases of a sequence.
    maps, size : int
        Kernels, and their bases.
    threshold : float or str
        The first one (mV); a base through a weight of 1 moves a cell by 1 mV.
    share : float
        Of the sequences in which a map fires; 0 holds all thresholds where they are.
    eta : float or str
        Rise of a threshold per spike (mV).
    rate : float
        Learning rate, from 0 to 1.
    trial : float or str
        Length of a trial (ms). No cell fires twice in one.
    seed : int
        Of the initial kernels.

    Returns
    -------
    Network
        Populations ``bases`` (4, 1, length) and ``v1`` (maps, 1, length - size + 1), and projection
        ``bases_v1``.

    Raises
    ------
    SpecError
        If a number is out of range or has the wrong unit.
    """
    for name, number in (("length", length), ("maps", maps), ("size", size)):
        if isinstance(number, bool) or not isinstance(number, int) or number < 1:
            raise SpecError(
                f"{number!r} is not a positive whole number", where=f"parameters.{name}"
            )
    if size > length:
        raise SpecError("a kernel is longer than a sequence", where="parameters.size")
    if maps * max(size * 4, length) > _LARGEST:
        raise SpecError("the layer is too large; use fewer maps", where="parameters.maps")
    held, speed = (
        plain(trial, "ms", where="parameters.trial"),
        plain(rate, "1", where="parameters.rate"),
    )
    if not 0 <= speed <= 1:
        raise SpecError(f"{speed:g} is not from 0 to 1", where="parameters.rate")
    part = plain(share, "1", where="parameters.share")
    if not 0 <= part < 1:
        raise SpecError(f"{part:g} is not from 0 to below 1", where="parameters.share")
    kernel = np.clip(np.random.default_rng(seed).normal(0.5, 0.15, (maps, 4, size)), 0.0, 1.0)
    connector = ConvolutionConnector(kernel, (4, length))
    rule = TraceRule(
        traces={"arrived": Trace("pre", tau=1000.0, pairing="nearest")},
        on_post="rate*(int(arrived > 0) - w)",
        parameters={"rate": speed},
    )
    rise = plain(eta, "mV", where="parameters.eta")
    cells = Population(
        "v1",
        connector.out_shape,
        IF_CURR_DELTA,
        {
            "v_rest": 0.0,
            "v_reset": -1.0,
            "v_thresh": plain(threshold, "mV", where="parameters.threshold"),
            "tau_refrac": held,
        },
        competition=WinnerTakeAll(radius=size - 1),
        homeostasis=SharedThreshold(rise, part * 1000.0 / held, minimum=1.0) if part else None,
    )
    return Network(
        (Population("bases", (4, 1, length), SpikeSource()), cells),
        (
            Projection(
                "bases", "v1", connector, weight=1.0, delay=1.0, receptor="membrane",
                plasticity=rule, name="bases_v1",
            ),
        ),
    )  # fmt: skip
