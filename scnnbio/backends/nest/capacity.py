"""How many nodes NEST can tell apart on one thread, and how many an experiment needs.

Nodes are dealt out to threads in the order of their numbers, so that all of them count: neurons,
sources, engines and recorders. Why there is a limit is told at
:data:`~scnnbio.connectors.wiring.MOST_NEST_NODES`.
"""

from __future__ import annotations

import nest

from scnnbio.backends.nest.engines import takes
from scnnbio.backends.options import MOST_THREADS
from scnnbio.connectors.wiring import MOST_NEST_NODES
from scnnbio.errors import Unsupported, UnsupportedError
from scnnbio.experiment import Experiment


def count_nodes(experiment: Experiment, shared: bool) -> tuple[int, int]:
    """Nodes that an experiment is lowered to.

    Parameters
    ----------
    experiment : Experiment
    shared : bool
        Whether kernels are shared by engines where these reach.

    Returns
    -------
    once, by_thread : int
        Nodes that there is one of, and those that there is one of on every thread of every process.
    """
    network = experiment.network
    # Beside the neurons there are a weight recorder and a multimeter for each sampling; and on
    # every thread a cell that ends the log of spikes, and the engines.
    once = sum(p.size for p in network.populations) + 1 + len(experiment.record.signals)
    engines = sum(shared and takes(p) for p in network.projections)
    engines += sum(p.homeostasis is not None for p in network.populations)
    engines += sum(p.competition is not None for p in network.populations)
    return once, engines + 1


def threads_needed(experiment: Experiment, shared: bool, processes: int) -> int:
    """The fewest threads of each process on which NEST tells all nodes apart."""
    once, by_thread = count_nodes(experiment, shared)
    return max(1, -(-once // (processes * (MOST_NEST_NODES - by_thread))))


def unsupported_size(
    experiment: Experiment, shared: bool, threads: int | None, processes: int
) -> list[Unsupported]:
    """What of an experiment is too large for NEST.

    Parameters
    ----------
    experiment : Experiment
    shared : bool
        As in :func:`count_nodes`.
    threads : int or None
        Threads of each process; None if there may be as many as it takes.
    processes : int
    """
    needed = threads_needed(experiment, shared, processes)
    most = MOST_THREADS if threads is None else threads
    if needed <= most:
        return []
    once, by_thread = count_nodes(experiment, shared)
    nodes = once + by_thread * processes * most
    if needed <= MOST_THREADS:
        remedy = f"set backend.threads = {needed}, or leave it out"
    else:
        remedy = "run it in more processes, as docs/how_to/mpi.md says, or make the layers smaller"
    feature = (
        f"{nodes:,} nodes on {most * processes} threads, of which NEST tells {MOST_NEST_NODES:,}"
        " apart on each and delivers the spikes of the others to wrong neurons"
    )
    return [Unsupported("network", feature, remedy)]


def check_built() -> None:
    """Refuse to simulate what was built with more nodes than NEST tells apart.

    Raises
    ------
    UnsupportedError
    """
    nodes, threads = nest.network_size, nest.total_num_virtual_procs
    if nodes > MOST_NEST_NODES * threads:
        feature = (
            f"{nodes:,} nodes on {threads} threads, of which NEST takes {MOST_NEST_NODES:,} each"
        )
        raise UnsupportedError("nest", [Unsupported("network", feature, "set backend.threads")])
