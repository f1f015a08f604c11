"""Memory and time of layers of a billion effective synapses: ``python -m benchmarks.large``.

An effective synapse is an entry of the list of synapses that a simulator without shared kernels
would need. The layers are those of the other benchmarks on more input, one after another, each in
its own process. The last one takes several gigabytes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from benchmarks.configurations import BILLIONS, RATES, Configuration
from benchmarks.timing import Worker

_HEADER = (
    "| effective synapses | neurons | input cells | peak MB | bytes per neuron | bytes per synapse"
    " | describe and write s | compile s | CPU s per s, 5 Hz | 20 Hz"
    " | synaptic events per CPU s, 20 Hz |"
)


def measured(configuration: Configuration) -> dict[str, Any]:
    """Peak memory, and the seconds of each part, of one run in a process of its own."""
    worker = Worker("scnnbio", configuration.name)
    try:
        worker.wait()
        worker.run()
    finally:
        worker.stop()
    return {**worker.about, **worker.runs[0]}


def events(configuration: Configuration, rate: float) -> float:
    """Synaptic events per second: input spikes, each to all neurons that it reaches."""
    cells = 2 * configuration.size**2
    return cells * rate * configuration.synapses / cells


def table(rows: Sequence[tuple[Configuration, dict[str, Any]]]) -> Iterator[str]:
    """The table of the page ``docs/background/large.md``.

    Bytes per neuron are the growth of the peak over the smallest layer, so that libraries are
    not counted.
    """
    yield _HEADER
    yield "|" + " --- |" * (_HEADER.count("|") - 1)
    base, least = rows[0][0].neurons, rows[0][1]["peak_mb"]
    for layer, found in rows:
        seconds = layer.segment / 1000.0
        grown = layer.neurons - base
        each = (found["peak_mb"] - least) * 2**20 / grown if grown else None
        busy = [s / seconds for s in found["cpu_s"]]
        cells = (
            f"{layer.synapses:,}",
            f"{layer.neurons:,}",
            f"{2 * layer.size**2:,}",
            f"{found['peak_mb']:,.0f}",
            "-" if each is None else f"{each:.0f}",
            f"{found['peak_mb'] * 2**20 / layer.synapses:.2f}",
            f"{found['construct_s']:.1f}",
            f"{found['build_s']:.1f}",
            *(f"{s:.2f}" for s in busy),
            f"{events(layer, RATES[-1]) / busy[-1]:.2g}",
        )
        yield f"| {' | '.join(cells)} |"


def main(layers: Iterable[Configuration] = BILLIONS) -> None:
    """Measure the layers and print the table."""
    rows = [(layer, measured(layer)) for layer in layers]
    for line in table(rows):
        sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main()
