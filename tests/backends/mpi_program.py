"""What each process does in the tests of several.

``python -m tests.backends.mpi_program DEED OUT``: the deeds are the functions of this module; each
process saves what it got into ``OUT``, by rank.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scnnbio import backends
from scnnbio.connectors import (
    ConvolutionConnector,
    LateralInhibitionConnector,
    PoolingConnector,
)
from scnnbio.errors import ScnnbioError
from scnnbio.experiment import Experiment, Record, Run, Sampling
from scnnbio.network import Network, Projection
from scnnbio.neurons import LIF
from scnnbio.plasticity import SharedSTDP, SharedThreshold, WinnerTakeAll
from scnnbio.population import Population, SpikeSource
from tests.backends.nest_cases import ADAPTIVE
from tests.backends.networks import experiment, small_network


def layers(seed: int = 8) -> Experiment:
    """Three layers that compete and learn, pool, and adapt.

    With lags, strides, groups, and five different delays.
    """
    rng = np.random.default_rng(seed)
    lagged = ConvolutionConnector(
        rng.uniform(0.2, 0.8, (4, 2, 3, 3, 2)), (2, 8, 8), lags=(0.0, 3.5), padding=1
    )
    pooled = PoolingConnector(lagged.out_shape, 2, mode="first-spike")
    grouped = ConvolutionConnector(
        rng.uniform(0.3, 1.0, (6, 2, 2, 2)), pooled.out_shape, stride=(1, 2), groups=2
    )
    threshold = SharedThreshold(eta=0.2, target=20.0)
    network = Network(
        (
            Population("lgn", (2, 8, 8), SpikeSource()),
            Population(
                "v1", lagged.out_shape, LIF, homeostasis=threshold, competition=WinnerTakeAll(1)
            ),
            Population("pool", pooled.out_shape, ADAPTIVE),
            Population("top", grouped.out_shape, ADAPTIVE, parameters={"rise": [1.0, 2.0] * 3}),
        ),
        (
            Projection(
                "lgn", "v1", lagged, 1.2, 1.0, plasticity=SharedSTDP(a_plus=0.02, a_post=0.005)
            ),
            Projection(
                "v1", "v1", LateralInhibitionConnector(lagged.out_shape, "both", radius=1),
                weight=-1.0, delay=0.5, receptor="membrane",
            ),
            Projection("v1", "pool", pooled, weight=30.0, delay=1.5),
            Projection("pool", "top", grouped, weight=6.0, delay=2.5),
        ),
    )  # fmt: skip
    signals = (
        Sampling("v1", ("v", "I_exc"), units=(200, 7, 30), period=1.0),
        Sampling("top", ("v", "w"), period=2.0),
    )
    record = Record(spikes=("lgn", "v1", "pool", "top"), signals=signals, snapshots=3)
    return experiment(network, record=record)


def flat(run: Run) -> dict[str, NDArray[np.generic]]:
    """All numbers of a run."""
    found: dict[str, NDArray[np.generic]] = {}
    for name, spikes in run.recording.spikes.items():
        for part in ("time", "unit", "trial"):
            found[f"{name}.{part}"] = getattr(spikes, part)
    for name, signals in run.recording.signals.items():
        found |= {f"{name}.{variable}": signal.values for variable, signal in signals.items()}
    found |= {f"{name}.kept": kept.values for name, kept in run.recording.snapshots.items()}
    found |= {f"{name}.learned": weights for name, weights in run.weights.items()}
    for name, count in run.provenance["output_spikes"].items():
        found[f"{name}.count"] = np.array(count)
    return found | {"inputs": np.array(run.provenance["input_spikes"])}


def many_layers(out: Path, rank: int) -> None:
    np.savez(out / f"{rank}.npz", **flat(backends.get("nest").run(layers())))


def one_synapse_a_place(out: Path, rank: int) -> None:
    run = backends.get("nest", {"kernels": "expanded"}).run(experiment(small_network()))
    np.savez(out / f"{rank}.npz", **flat(run))


def other_networks(out: Path, rank: int) -> None:
    """As with a seed that was forgotten; then, without harm, the same one."""
    try:
        backends.get("nest").run(layers(seed=rank))
    except ScnnbioError as error:
        (out / f"{rank}.txt").write_text(str(error))
    many_layers(out, rank)


def one_fails(out: Path, rank: int) -> None:
    from scnnbio.backends.nest.recorders import Recorders

    def fails(self: Recorders) -> None:
        if rank == 1:
            raise MemoryError("no room for spikes")

    Recorders.collect = fails  # type: ignore[method-assign]
    many_layers(out, rank)


def without_mpi4py(out: Path, rank: int) -> None:
    for name in list(sys.modules):
        if name.partition(".")[0] == "mpi4py":
            del sys.modules[name]
    sys.modules["mpi4py"] = None  # type: ignore[assignment]
    backend = backends.get("nest")
    (out / f"{rank}.txt").write_text(backend.missing())
    backend.run(layers())


if __name__ == "__main__":
    from mpi4py import MPI

    globals()[sys.argv[1]](Path(sys.argv[2]), MPI.COMM_WORLD.rank)
