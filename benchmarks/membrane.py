"""Layers whose spikes move the potential itself: ``python -m benchmarks.membrane``.

The layer is run as it is, where neurons that cannot fire sleep, and with all of them awake in every
step. Both take turns; compared is the median of the CPU seconds of the compiled program, its start
included. Many steps at once are rounded in another way than one by one. In double precision the
spikes are the same; in single precision a few in ten thousand may differ.
"""

from __future__ import annotations

import contextlib
import statistics
import sys
from collections.abc import Iterator
from unittest import mock

import numpy as np

from benchmarks.tables import table
from benchmarks.timing import of_children
from scnnbio import backends
from scnnbio.backends.brian2 import known, layers
from scnnbio.connectors import ConvolutionConnector
from scnnbio.experiment import Experiment, Record
from scnnbio.inputs import FromSpikes
from scnnbio.network import Network, Projection
from scnnbio.neurons import LIBRARY
from scnnbio.population import Population, SpikeSource

#: Step (ms), rate of each input cell (Hz), length of the run (ms), and weight (mV), with which the
#: layer fires.
CASES = ((0.1, 5.0, 1000.0, 4.5), (0.1, 20.0, 600.0, 1.8), (0.25, 5.0, 2000.0, 4.5),
         (0.25, 20.0, 1000.0, 1.8), (1.0, 2.0, 4000.0, 6.0), (1.0, 20.0, 3000.0, 1.8))  # fmt: skip
CELLS, MAPS, KERNEL = (2, 128, 128), 16, 5
ROUNDS = 5
PRECISIONS = ("double", "single")
_HEADS = ("precision", "dt (ms)", "input (Hz)", "spikes", "awake (s)", "asleep (s)", "ratio")


def experiment(dt: float, rate: float, duration: float, weight: float) -> Experiment:
    """One trial of one layer."""
    rng = np.random.default_rng(1)
    kernel = np.abs(rng.normal(0.3, 0.2, (MAPS, CELLS[0], KERNEL, KERNEL)))
    connector, cells = ConvolutionConnector(kernel, CELLS), int(np.prod(CELLS))
    drawn = int(cells * rate * duration * 1e-3)
    step = rng.integers(1, round(duration / dt) + 1, drawn)
    # A cell fires once in a step at most.
    step, unit = np.divmod(np.unique(step * cells + rng.integers(0, cells, drawn)), cells)
    given = FromSpikes(
        step * dt, unit, np.zeros(len(unit), int), size=CELLS, n_trials=1, duration=duration
    )
    layer = Population(
        "v1", connector.out_shape, LIBRARY["LIF_curr_delta"], parameters={"tau_refrac": 2.0}
    )
    path = Projection("lgn", "v1", connector, weight=weight, receptor="membrane")
    network = Network((Population("lgn", CELLS, SpikeSource()), layer), (path,))
    return Experiment(network, inputs={"lgn": given}, record=Record(("v1",)), dt=dt)


def seconds(case: Experiment, precision: str, awake: bool) -> tuple[float, int]:
    """CPU seconds of the compiled program, and its spikes; it was compiled before."""
    with contextlib.ExitStack() as changed:
        # The name of a known program does not tell how this function has changed it.
        changed.enter_context(mock.patch.object(known, "name_of", return_value=None))
        if awake:
            changed.enter_context(mock.patch.object(layers, "sleep_of", return_value=None))
        begin = of_children()
        run = backends.get("brian2-standalone", {"precision": precision}).run(case)
        return of_children() - begin, len(run.recording.spikes["v1"].time)


def rows() -> Iterator[list[str]]:
    """Rows of the table, one per case and precision."""
    for precision in PRECISIONS:
        for dt, rate, duration, weight in CASES:
            case = experiment(dt, rate, duration, weight)
            turns = [
                [seconds(case, precision, awake) for awake in (True, False)]
                for _ in range(ROUNDS + 1)
            ][1:]  # the first compiles
            (_, spikes), (_, same) = turns[0]
            if abs(spikes - same) > (1e-3 * spikes if precision == "single" else 0):
                raise RuntimeError(f"{spikes} spikes awake, and {same} asleep")
            up, down = (statistics.median(turn[k][0] for turn in turns) for k in (0, 1))
            found = [precision, f"{dt:g}", f"{rate:g}", f"{spikes:,}", f"{up:.2f}", f"{down:.2f}"]
            yield [*found, f"{down / up:.2f}"]


def main() -> None:
    """Measure all cases and print the table."""
    sys.stdout.write(table(_HEADS, rows()) + "\n")


if __name__ == "__main__":
    main()
