"""Simulators, set up and ended around a test."""

from __future__ import annotations

import sys

import pytest

from tests.connectors.scripts import BULK, SIMULATORS, start


@pytest.fixture(autouse=True)
def no_compiler():
    import brian2

    before = brian2.prefs.codegen.target
    brian2.prefs.codegen.target = "numpy"
    yield
    brian2.prefs.codegen.target = before


@pytest.fixture(autouse=True)
def empty_nest():
    """PyNN leaves its network in NEST, where a run of the backend would not remove it."""
    yield
    if "nest" in sys.modules:
        sys.modules["nest"].ResetKernel()


@pytest.fixture(params=SIMULATORS)
def sim(request):
    simulator = start(request.param)
    yield simulator
    simulator.end()


@pytest.fixture(params=BULK)
def bulk_sim(request):
    simulator = start(request.param)
    yield simulator
    simulator.end()


@pytest.fixture
def brian2():
    simulator = start("brian2")
    yield simulator
    simulator.end()


@pytest.fixture
def mock():
    simulator = start("mock")
    yield simulator
    simulator.end()
