"""NEST's limit of nodes per thread, and the number of nodes of an experiment.

NEST distributes all nodes over threads in the order of their numbers: neurons, sources, engines and
recorders. For the reason of the limit see :data:`~scnnbio.connectors.wiring.MOST_NEST_NODES`.
"""

from __future__ import annotations

import nest

from scnnbio.backends.nest.engines import takes
from scnnbio.backends.options import MAX_THREADS
from scnnbio.connectors.wiring import MOST_NEST_NODES
from scnnbio.errors import Unsupported, UnsupportedError
from scnnbio.experiment import Experiment


def count_nodes(experiment: Experiment, shared: bool) -> tuple[int, int]:
    """Number of NEST nodes of an experiment.

    Parameters
    ----------
    experiment : Experiment
    shared : bool
        Whether engines with shared kernels are used where possible.

    Returns
    -------
    once, by_thread : int
        Nodes that exist once, and nodes that exist on every thread of every process.
    """
    network = experiment.network
    # Besides neurons: a weight recorder, and a multimeter per sampling; and on every thread the
    # target cell of the spike log, and the engines.
    once = sum(p.size for p in network.populations) + 1 + len(experiment.record.signals)
    engines = sum(shared and takes(p) for p in network.projections)
    engines += sum(p.homeostasis is not None for p in network.populations)
    engines += sum(p.competition is not None for p in network.populations)
    return once, engines + 1


def threads_needed(experiment: Experiment, shared: bool, processes: int) -> int:
    """Fewest threads per process with which no thread exceeds NEST's limit of nodes."""
    once, by_thread = count_nodes(experiment, shared)
    return max(1, -(-once // (processes * (MOST_NEST_NODES - by_thread))))


def unsupported_size(
    experiment: Experiment, shared: bool, threads: int | None, processes: int
) -> list[Unsupported]:
    """Reasons against an experiment that is too large for NEST.

    Parameters
    ----------
    experiment : Experiment
    shared : bool
        As in :func:`count_nodes`.
    threads : int or None
        Threads per process; None for as many as needed.
    processes : int
    """
    needed = threads_needed(experiment, shared, processes)
    most = MAX_THREADS if threads is None else threads
    if needed <= most:
        return []
    once, by_thread = count_nodes(experiment, shared)
    nodes = once + by_thread * processes * most
    if needed <= MAX_THREADS:
        remedy = f"set backend.threads = {needed}, or leave it out"
    else:
        remedy = "run it in more processes (docs/how_to/mpi.md), or make the layers smaller"
    feature = (
        f"{nodes:,} nodes on {most * processes} threads; beyond {MOST_NEST_NODES:,} per thread NEST"
        " delivers spikes to wrong neurons"
    )
    return [Unsupported("network", feature, remedy)]


def check_built() -> None:
    """Raise if the network that was built exceeds NEST's limit of nodes per thread.

    Raises
    ------
    UnsupportedError
    """
    nodes, threads = nest.network_size, nest.total_num_virtual_procs
    if nodes > MOST_NEST_NODES * threads:
        feature = (
            f"{nodes:,} nodes on {threads} threads; NEST can have {MOST_NEST_NODES:,} per thread"
        )
        raise UnsupportedError("nest", [Unsupported("network", feature, "set backend.threads")])
