"""What the tests of the NEST backend have in common."""

from __future__ import annotations

import importlib.util
import os

import pytest

from scnnbio.neurons import NeuronModel, Parameter


def need_nest() -> None:
    """Skip a module where NEST or NESTML is absent; under CI that is a failure."""
    if all(importlib.util.find_spec(name) is not None for name in ("nest", "pynestml")):
        return
    message = "pip install '.[nest]' brings what these tests need"
    if os.environ.get("CI", "").lower() in {"1", "true"}:
        pytest.fail(message)
    pytest.skip(message, allow_module_level=True)


def need_mpi() -> None:
    """Skip a module where NEST has no MPI; ``make test-mpi``, which asks for it, fails instead."""
    have = all(importlib.util.find_spec(name) is not None for name in ("nest", "mpi4py"))
    if have:
        from scnnbio.backends.nest.build import built_with_mpi

        if built_with_mpi():
            return
    message = "docs/how_to/mpi.md tells how NEST is built with MPI"
    if os.environ.get("SCNNBIO_NEED_MPI"):
        pytest.fail(message)
    pytest.skip(message, allow_module_level=True)


#: One receptor, a threshold that spikes raise, and a reset by subtraction.
ADAPTIVE = NeuronModel(
    name="adaptive",
    equations="""
    dv/dt = (v_rest - v + g*I)/tau_m : volt (unless refractory)
    dI/dt = -I/tau_s : amp
    dw/dt = -w/tau_w : volt
    """,
    threshold="v >= v_thresh + w and not (2*w/3 > limit or v < -limit)",
    reset="v -= drop; w += rise",
    refractory="t_ref",
    parameters={
        "v_rest": Parameter(-65.0, "mV"),
        "v_thresh": Parameter(-50.0, "mV"),
        "tau_m": Parameter(12.0, "ms"),
        "tau_s": Parameter(4.0, "ms"),
        "tau_w": Parameter(30.0, "ms"),
        "rise": Parameter(3.0, "mV"),
        "drop": Parameter(12.0, "mV"),
        "limit": Parameter(200.0, "mV"),
        "g": Parameter(20.0, "MOhm"),
        "t_ref": Parameter(1.0, "ms"),
    },
    receptors={"excitatory": "I"},
    initial={"v": "v_rest"},
)
