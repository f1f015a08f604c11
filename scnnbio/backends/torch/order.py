"""Order in which populations can be gone through, each for a whole piece of time."""

from __future__ import annotations

import graphlib

from scnnbio.network import Network


def stages(network: Network) -> list[tuple[str, ...]]:
    """Order populations so that each gets input only from earlier ones or its own stage.

    Parameters
    ----------
    network : Network

    Returns
    -------
    list of tuple of str
        Sources aside; a stage of several is a loop.
    """
    names = [p.name for p in network.populations if not p.is_source]
    fed = {
        name: {p.pre for p in network.incoming(name) if not network.population(p.pre).is_source}
        for name in names
    }
    reach = {name: {name, *fed[name]} for name in names}
    for _ in names:
        reach = {name: set().union(*(reach[n] for n in found)) for name, found in reach.items()}
    loop = {
        name: tuple(n for n in names if n in reach[name] and name in reach[n]) for name in names
    }
    graph = {loop[name]: {loop[n] for n in reach[name] if loop[n] != loop[name]} for name in names}
    return list(graphlib.TopologicalSorter(graph).static_order())
