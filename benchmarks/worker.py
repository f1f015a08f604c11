"""One program in its own process: ``python -m benchmarks.worker PROGRAM CONFIGURATION``.

The worker builds the program, reports how long that took, and simulates whenever it reads ``run``.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.configurations import BILLIONS, EIGHT, GROWTH, LEARNING
from benchmarks.timing import Program, own_peak_mb
from scnnbio._later import own_process

#: Name → module and class: a module is imported when one of its programs is asked for.
PROGRAMS = {
    "scnnbio": ("brian_programs", "Scnnbio"),
    "scnnbio-single": ("brian_programs", "ScnnbioSingle"),
    "scnnbio-threads": ("brian_programs", "ScnnbioThreads"),
    "input": ("brian_programs", "InputAlone"),
    "synapses": ("brian_programs", "Synapses"),
    "synapses-stdp": ("brian_programs", "PlasticSynapses"),
    "synapses-stdp-neuron": ("brian_programs", "PlasticSynapsesPerNeuron"),
    "floor": ("other_programs", "Floor"),
    "floor-single": ("other_programs", "FloorSingle"),
    "nest": ("other_programs", "Nest"),
    "torch": ("other_programs", "Torch"),
}
#: The shorter segments of BILLIONS give way to those of EIGHT where both have a layer.
CONFIGURATIONS: dict[str, Any] = {c.name: c for c in (*BILLIONS, *EIGHT, *LEARNING, *GROWTH)}


def program(name: str) -> type[Program]:
    """The class of a program."""
    module, cls = PROGRAMS[name]
    return getattr(importlib.import_module(f"benchmarks.{module}"), cls)


def _timed(work: Callable[[], None]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def _answer(value: dict[str, Any]) -> None:
    print(json.dumps({"answer": value}), flush=True)


def main(name: str, configuration: str) -> None:
    """Build, then run on demand; imports are deferred as in the ``scnnbio`` command."""
    own_process()
    with tempfile.TemporaryDirectory() as folder:
        cls = program(name)
        made = cls(CONFIGURATIONS[configuration], Path(folder))
        construct_s, build_s = _timed(made.construct), _timed(made.build)
        _answer(
            {
                "implementation": cls.name,
                "precision": cls.precision,
                "construct_s": construct_s,
                "build_s": build_s,
                "python_mb": own_peak_mb(),
            }
        )
        for line in sys.stdin:
            if line.strip() != "run":
                break
            found = dataclasses.asdict(made.run())
            counts = made.counts()
            # Enough to see whether two programs fired the same neurons equally often.
            place = None if counts is None else np.arange(1, len(counts) + 1) % 1_000_003
            found["fingerprint"] = None if counts is None else int(np.sum(counts * place))
            _answer(found)


if __name__ == "__main__":
    # Users need not have pytest, which Brian2 imports if it is installed.
    sys.modules["pytest"] = None  # type: ignore[assignment]
    main(sys.argv[1], sys.argv[2])
