"""What the tests of connectors write their PyNN scripts with."""

from __future__ import annotations

import fcntl
import functools
import importlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

STEP = 0.1  # ms
SIMULATORS = [
    "mock",
    "brian2",
    pytest.param("nest", marks=pytest.mark.nest),
    pytest.param("neuron", marks=pytest.mark.neuron),
]
BULK = SIMULATORS[1:3]


@functools.cache
def compile_mechanisms():
    """Let pyNN.neuron compile what it compiles at its first import, in one process at a time."""
    # By a script beside Python.
    folder = str(Path(sys.executable).parent)
    os.environ["PATH"] = os.pathsep.join([folder, os.environ.get("PATH", "")])
    lock = Path(tempfile.gettempdir(), f"scnnbio-neuron-{os.getuid()}.lock")
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        subprocess.run([sys.executable, "-c", "import pyNN.neuron"], check=True)


def start(name, **options):
    if name != "mock":
        pytest.importorskip(name)
    if name == "neuron":
        compile_mechanisms()
    simulator = importlib.import_module(f"pyNN.{name}")
    simulator.setup(timestep=STEP, **options)
    return simulator


def sources(sim, shape):
    return sim.Population(int(np.prod(shape)), sim.SpikeSourceArray(spike_times=[]))


def cells(sim, shape, kind="IF_curr_exp", **parameters):
    return sim.Population(int(np.prod(shape)), getattr(sim, kind)(**parameters))


def kernel(*shape, seed=0):
    """Positive, as PyNN wants weights on the excitatory receptor."""
    return np.abs(signed_kernel(*shape, seed=seed))


def signed_kernel(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)
