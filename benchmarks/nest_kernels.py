"""Cost of a convolution on NEST: kernels shared by scnnbio's module, or one synapse per place.

A layer of 4 maps over 2 x 84 x 84 inputs, kernels of 5 x 5: 1.28 million connections. Each way runs
in its own process, the ways in turn. Printed are medians of the CPU seconds and the memory that
connecting takes, and of the CPU seconds of the simulation after it::

    python benchmarks/nest_kernels.py
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from scnnbio.connectors import ConvolutionConnector
from scnnbio.encoding import LGN, Encoding, PoissonCode
from scnnbio.experiment import Experiment, Record
from scnnbio.network import Network, Projection
from scnnbio.neurons import LIF
from scnnbio.plasticity import SharedSTDP
from scnnbio.population import Population, SpikeSource
from scnnbio.stimuli import WhiteNoise


def layer(plastic: bool, places: int, duration: float) -> Experiment:
    """Random spikes at up to 30 Hz onto one convolution."""
    kernel = np.random.default_rng(0).uniform(0.2, 0.8, (4, 2, 5, 5))
    connector = ConvolutionConnector(kernel, (2, places, places))
    rule = SharedSTDP(a_plus=1e-4, a_minus=1e-4) if plastic else None
    network = Network(
        (
            Population("lgn", connector.in_shape, SpikeSource()),
            Population("v1", connector.out_shape, LIF),
        ),
        (Projection("lgn", "v1", connector, weight=0.4, plasticity=rule),),
    )
    encoding = Encoding(LGN(normalisation_sigma=3.0), PoissonCode(max_rate=30.0))
    stimulus = WhiteNoise(n_trials=1, duration=duration, frame=50.0)
    return Experiment(network, stimulus, encoding, Record(("v1",)), dt=0.1)


def measure(kernels: str, case: Experiment) -> dict[str, Any]:
    """Connect and run once, in this process."""
    from scnnbio.backends.nest import NestBackend
    from scnnbio.backends.nest.engines import KernelEngine
    from scnnbio.backends.nest.lowering import Lowered

    spent: dict[str, Any] = {}

    def count(owner: type, function: str, name: str) -> None:
        original = getattr(owner, function)

        def counted(*arguments: Any) -> Any:
            memory, begin = resident(), time.process_time()
            result = original(*arguments)
            spent[f"{name}_s"] = time.process_time() - begin
            spent[f"{name}_mb"] = resident() - memory
            return result

        setattr(owner, function, counted)

    count(KernelEngine, "start", "connect")
    count(Lowered, "_connect", "connect")
    count(NestBackend, "_run", "simulate")
    run = NestBackend(threads=1, kernels=kernels).run(case)  # type: ignore[arg-type]
    return {**spent, "spikes": run.provenance["output_spikes"]["v1"]}


def resident() -> float:
    """Memory of this process in MB, without freed memory that malloc still holds."""
    ctypes.CDLL(None).malloc_trim(0)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def main() -> None:
    """Run each way several times in turn, and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--places", type=int, default=84)
    parser.add_argument("--duration", type=float, default=200.0)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        kernels, rule = args.one.split()
        case = layer(rule == "learning", args.places, args.duration)
        sys.stdout.write(json.dumps(measure(kernels, case)) + "\n")
        return
    ways = ["shared static", "expanded static", "shared learning"]
    found: dict[str, list[dict[str, float]]] = {way: [] for way in ways}
    for _ in range(args.repeats):
        for way in ways:
            words = [sys.executable, __file__, "--one", way]
            words += ["--places", str(args.places), "--duration", str(args.duration)]
            environment = {**os.environ, "OMP_NUM_THREADS": "1"}
            done = subprocess.run(
                words, capture_output=True, text=True, check=True, env=environment
            )
            found[way].append(json.loads(done.stdout.splitlines()[-1]))
    for way, rows in found.items():
        medians = {key: statistics.median(row[key] for row in rows) for key in rows[0]}
        print(way, {key: round(value, 3) for key, value in medians.items()})


if __name__ == "__main__":
    main()
