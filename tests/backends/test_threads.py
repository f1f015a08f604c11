"""Runs in threads give what they give alone, and leave what the user has set as it was.

What a run gives alone is known from the reference backend, whose spikes are those of every other
one (test_agreement.py). What could end a process, or needs a fresh one, runs in a process of its
own.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest

from scnnbio import backends
from scnnbio._exclusive import ExclusiveResource, ignore_warnings
from scnnbio.errors import SpecError
from scnnbio.figures.style import style
from scnnbio.neurons import brian2_loader
from tests.backends.thread_cases import CASE, NEST, STANDALONE, fails, fresh


@pytest.mark.slow
@pytest.mark.parametrize(
    "backend",
    [
        "brian2",
        STANDALONE,
        pytest.param("event-driven", marks=pytest.mark.slow),
        pytest.param("reference", marks=pytest.mark.slow),
    ],
)
def test_runs_at_once_in_the_threads_of_a_new_process_are_those_alone(backend: str) -> None:
    """Brian2 too is imported first outside of the main thread."""
    if backend == "event-driven":
        oracle, cases = backend, "[CASES[0]] * 2"
    else:
        oracle, cases = "reference", "CASES"
    found, alone = fresh(
        f"""
        import functools
        found = at_once(*(functools.partial(spikes, case, {backend!r}) for case in {cases}))
        print(json.dumps([found, [spikes(case, {oracle!r}) for case in {cases}]]))
        """
    )
    assert found == alone
    assert min(len(unit) for _, _, unit in alone) > 90


@pytest.mark.slow
def test_a_run_inside_another_one_is_refused() -> None:
    """It would change the step of the run that it is in."""

    def begin(phase: str, done: float, total: float) -> None:
        backends.get("brian2").run(CASE)

    with pytest.raises(SpecError, match="a run on Brian2 was started inside another one"):
        backends.get("brian2").run(CASE, lambda p, d, t: begin(p, d, t) if p != "input" else None)
    assert len(backends.get("brian2").run(CASE).recording.spikes["v1"].time) > 90


def test_a_resource_is_released_after_an_error_and_waits_for_other_threads() -> None:
    resource, order, inside = ExclusiveResource("X"), [], threading.Event()
    with pytest.raises(KeyError), resource.held():
        raise KeyError
    go_on = threading.Event()

    def first() -> None:
        with resource.held():
            inside.set()
            go_on.wait(10)
            order.append("first")

    def second() -> None:
        with resource.held():
            order.append("second")

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    threads[0].start()
    inside.wait(10)
    threads[1].start()
    assert order == []
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert order == ["first", "second"]


# -- what is as it was -----------------------------------------------------------------------------


def isolated_environment() -> dict[str, Any]:
    """What a program sees of its process."""
    return {
        "folder": os.getcwd(),
        "environment": dict(os.environ),
        "words": list(sys.argv),
        "signals": [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)],
        "hooks": [sys.excepthook, warnings.showwarning, threading.excepthook],
        "filters": list(warnings.filters),
        "logging": [logging.root.level, logging.root.handlers[:], logging.root.manager.disable],
        "random": [str(part) for part in np.random.get_state()],  # noqa: NPY002
        "errors": np.geterr(),
        "rcParams": dict(matplotlib.rcParams),
        "streams": [sys.stdout, sys.stderr],
    }


@pytest.fixture
def unusual() -> Iterator[None]:
    """Settings that differ from all defaults."""
    with (
        np.errstate(all="raise"),
        matplotlib.rc_context({"axes.grid": True, "font.size": 17.0}),
        warnings.catch_warnings(),
    ):
        warnings.filterwarnings("error", "a message of nobody")
        yield


@pytest.mark.usefixtures("unusual")
@pytest.mark.parametrize("report", [None, fails])
@pytest.mark.parametrize("backend", ["reference", "event-driven", "brian2", STANDALONE, NEST])
def test_a_run_leaves_the_process_as_it_was(backend: str, report: Callable[..., None]) -> None:
    made = backends.get(backend)  # which imports the simulator
    CASE.network.population("v1").model.sympy()
    before = isolated_environment()
    if report is None:
        made.run(CASE)
    else:
        with pytest.raises(ZeroDivisionError):
            made.run(CASE, report)
    after = isolated_environment()
    for name, value in before.items():
        assert after[name] == value, name


@pytest.mark.parametrize("report", [None, fails])
@pytest.mark.parametrize("backend", ["brian2", STANDALONE])
def test_what_the_user_has_in_brian2_is_as_it_was(
    backend: str, report: Callable[..., None], tmp_path: Path
) -> None:
    """A clock, preferences, and a network that is half built for standalone mode."""
    import brian2 as b2
    from brian2.devices.device import previous_devices

    step, target = b2.defaultclock.dt, b2.prefs.codegen.target
    b2.set_device("cpp_standalone", directory=str(tmp_path), build_on_run=False)
    device, stack = b2.get_device(), list(previous_devices)
    try:
        b2.defaultclock.dt = 0.37 * b2.ms
        group = b2.NeuronGroup(3, "x : 1", name="mine")
        group.x = [1, 2, 3]
        arrays, options = dict(device.arrays), dict(device.build_options)
        made = backends.get(backend)
        if report is None:
            assert len(made.run(CASE).recording.spikes["v1"].time) > 90
        else:
            with pytest.raises(ZeroDivisionError):
                made.run(CASE, report)
        assert b2.get_device() is device
        assert previous_devices == stack
        assert device.arrays == arrays
        assert device.build_options == options
        assert device.build_on_run is False
        assert b2.defaultclock.dt == 0.37 * b2.ms
        assert b2.prefs.codegen.target == target
        assert "scnnbio" not in b2.all_devices
        np.testing.assert_array_equal(group.x[:], [1, 2, 3])
    finally:
        device.reinit()
        b2.set_device("runtime")
        b2.defaultclock.dt = step


@pytest.mark.slow
def test_a_user_s_own_brian2_network_goes_on_after_a_run() -> None:
    """dx/dt = 1 for 2 ms, half of them before a run of ours: x = 2 on the user's step."""
    import brian2 as b2

    before = b2.defaultclock.dt, b2.prefs.codegen.target
    b2.defaultclock.dt, b2.prefs.codegen.target = 0.25 * b2.ms, "numpy"
    try:
        group = b2.NeuronGroup(1, "dx/dt = 1/ms : 1", method="euler", name="mine")
        network = b2.Network(group)
        network.run(1 * b2.ms)
        backends.get("brian2").run(CASE)
        network.run(1 * b2.ms)
        assert group.x[0] == pytest.approx(2.0)
        assert group.clock.dt == 0.25 * b2.ms
    finally:
        b2.defaultclock.dt, b2.prefs.codegen.target = before


# -- importing Brian2 ------------------------------------------------------------------------------


@pytest.mark.slow
def test_importing_brian2_takes_nothing_from_the_process() -> None:
    script = """
        import logging, os, signal, warnings
        def seen():
            return [os.getcwd(), str(signal.getsignal(signal.SIGINT)), str(sys.excepthook),
                    str(warnings.showwarning), str(logging.getLogger("py.warnings").handlers),
                    str(logging.root.handlers), str(sys.meta_path), str(sys.argv)]
        from scnnbio.neurons.brian2_loader import load_brian2
        before = seen()
        if sys.argv[1] == "thread":
            thread = threading.Thread(target=load_brian2)
            thread.start()
            thread.join()
        brian2 = load_brian2()
        brian2.prefs.core.stop_on_keyboard_interrupt  # that all of it is there
        print(json.dumps([before, seen(), brian2.signal is signal]))
    """
    for where in ("main", "thread"):
        before, after, real = fresh(script, where)
        assert after == before
        assert real


def test_only_the_thread_that_imports_brian2_is_told_that_there_is_no_matplotlib() -> None:
    watcher = brian2_loader._Watcher(("matplotlib",), {})
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'matplotlib\.pyplot'"):
        watcher.find_spec("matplotlib.pyplot", None)
    found: list[object] = ["not asked"]
    thread = threading.Thread(
        target=lambda: found.append(watcher.find_spec("matplotlib.pyplot", None))
    )
    thread.start()
    thread.join()
    assert found[-1] is None


# -- what is one for all threads -------------------------------------------------------------------


def crossed(context: Callable[[], Any]) -> None:
    """Enter a context in one thread, then in another; leave the first one first."""
    inside, leave = threading.Event(), threading.Event()

    def first() -> None:
        with context():
            inside.set()
            leave.wait(10)

    def second() -> None:
        with context():
            done.wait(10)

    done = threading.Event()
    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    threads[0].start()
    inside.wait(10)
    threads[1].start()
    threads[1].join(0.05)  # if it can enter, it does
    leave.set()
    threads[0].join(10)
    done.set()
    threads[1].join(10)


def test_warnings_and_the_style_of_figures_are_as_they_were_after_two_threads() -> None:
    """By themselves, ``catch_warnings`` and ``rc_context`` put back what the other one had set."""
    filters, settings = list(warnings.filters), dict(matplotlib.rcParams)
    crossed(ignore_warnings)
    assert list(warnings.filters) == filters
    crossed(style)
    assert dict(matplotlib.rcParams) == settings
