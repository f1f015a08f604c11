"""Run the benchmarks: ``python -m benchmarks``, or ``make bench``.

Writes ``benchmarks/results.json``, the tables of ``docs/background/performance.md`` and the figure
beside them. ``--only learning`` measures a part and leaves the rows of the others as they are.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.configurations import (
    EIGHT,
    GROWTH,
    INPUT_TRIALS,
    INPUTS,
    LARGE,
    LEARNING,
    RATES,
    TRIAL,
    Configuration,
)
from benchmarks.report import show, write
from benchmarks.timing import Worker, take_turns

RESULTS = Path(__file__).parent / "results.json"

_STATIC = ("scnnbio", "scnnbio-single", "floor", "floor-single", "synapses", "torch", "nest")
_PLASTIC = ("scnnbio", "floor", "synapses-stdp", "synapses-stdp-neuron")
_THREADS = "scnnbio-threads"
PARTS: dict[str, tuple[Iterable[Configuration], tuple[str, ...]]] = {
    "convolution": (EIGHT, _STATIC),
    "input": (INPUTS, ("input",)),
    "learning": (LEARNING, _PLASTIC),
    "growth": (GROWTH, ("scnnbio",)),
}


def rows_of(part: str, configuration: Configuration, worker: Worker) -> Iterator[dict[str, Any]]:
    """A row for each rate of input."""
    fingerprints = {run["fingerprint"] for run in worker.runs}
    for segment, rate in enumerate(RATES):
        yield {
            "part": part,
            "configuration": f"{configuration.name}, {rate:g} Hz",
            "implementation": worker.about["implementation"],
            "precision": worker.about["precision"],
            "cpu_s": worker.median(segment),
            "wall_s": worker.median(segment, "wall_s"),
            "simulated_s": configuration.segment / 1e3,
            # In later runs the worker's memory also holds results of earlier ones.
            "peak_mb": worker.runs[0]["peak_mb"],
            "construct_s": worker.about["construct_s"],
            "build_s": worker.about["build_s"],
            "rounds": len(worker.runs),
            "neurons": configuration.neurons,
            "synapses": configuration.synapses,
            # Of both segments together. Later runs of NEST continue where the first one ended, so
            # that only the first is comparable.
            "spikes": worker.runs[0]["spikes"],
            "fingerprint": fingerprints.pop() if len(fingerprints) == 1 else None,
        }


def input_row(configuration: Configuration, worker: Worker) -> dict[str, Any]:
    """CPU seconds to draw the input, to write it to the program, and to fire its spikes."""
    draw, feed, program = (worker.median(k) or 0.0 for k in range(3))
    return {
        "part": "input",
        "configuration": f"{configuration.name}, {RATES[0]:g} Hz",
        "implementation": worker.about["implementation"],
        "precision": "double",
        "cpu_s": draw + feed + program,
        "draw_s": draw,
        "feed_s": feed,
        "program_s": program,
        "simulated_s": TRIAL * INPUT_TRIALS / 1e3,
        "peak_mb": worker.runs[0]["peak_mb"],
        "construct_s": worker.about["construct_s"],
        "build_s": worker.about["build_s"],
        "rounds": len(worker.runs),
        "spikes": worker.runs[0]["spikes"],
    }


def measure(parts: Iterable[str], rounds: int) -> Iterator[list[dict[str, Any]]]:
    """Rows of some parts, a configuration at a time."""
    for part in parts:
        configurations, programs = PARTS[part]
        for configuration in configurations:
            threaded = (_THREADS,) if part == "convolution" and configuration in LARGE else ()
            workers = take_turns(programs + threaded, configuration.name, rounds)
            rows = []
            for name, worker in workers.items():
                if part == "input":
                    rows.append(input_row(configuration, worker))
                else:
                    of = "threads" if name == _THREADS else part
                    rows += rows_of(of, configuration, worker)
            show(rows)
            yield rows


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=PARTS, action="append")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    parts = options.only or list(PARTS)
    begin = time.perf_counter()
    measured = {*parts, *(["threads"] if "convolution" in parts else [])}
    before = json.loads(RESULTS.read_text()) if RESULTS.exists() else []
    rows = [row for row in before if row["part"] not in measured]
    for fresh in measure(parts, options.rounds):
        rows += fresh
        # Written after each configuration, so that results are kept if a later one fails.
        RESULTS.write_text(json.dumps(rows, indent=1) + "\n")
        write(rows, f"{_processor()}, {platform.system()}")
    print(f"{(time.perf_counter() - begin) / 60:.1f} minutes")


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((x.split(": ", 1)[1] for x in lines if x.startswith("model name")), "")


if __name__ == "__main__":
    main()
