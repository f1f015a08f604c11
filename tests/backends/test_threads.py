"""Runs in threads give what they give alone, and leave what the user has set as it was.

What a run gives alone is known from the reference backend, whose spikes are those of every other
one (test_agreement.py). What could end a process, or needs a fresh one, runs in a process of its
own.
"""

from __future__ import annotations

import importlib.util
import json
import logging
import os
import signal
import subprocess
import sys
import textwrap
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest

from scnnbio import backends
from scnnbio._turns import Turn, unwarned
from scnnbio.errors import SpecError
from scnnbio.figures.style import style
from scnnbio.neurons import brian2_loader
from tests.backends.nest_cases import need_nest
from tests.backends.networks import experiment, small_network

CASE = experiment(small_network())
ROOT = Path(__file__).parents[2]
STANDALONE = pytest.param("brian2-standalone", marks=pytest.mark.slow)
NEST = pytest.param("nest", marks=[pytest.mark.slow, pytest.mark.nest])

_CASES = """
    import json, sys, threading
    from scnnbio import backends
    from scnnbio.plasticity import SharedSTDP
    from tests.backends.networks import experiment, small_network

    RULE = SharedSTDP(a_plus=0.03, a_minus=0.01, a_post=0.01)
    CASES = [experiment(small_network()), experiment(small_network(RULE), dt=0.25)]

    def spikes(case, backend):
        found = backends.get(backend).run(case).recording.spikes["v1"]
        return [found.trial.tolist(), found.time.tolist(), found.unit.tolist()]

    def at_once(*calls):
        found = [None] * len(calls)
        def go(k):
            try:
                found[k] = calls[k]()
            except BaseException as error:
                found[k] = repr(error)
        threads = [threading.Thread(target=go, args=(k,)) for k in range(len(calls))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return found
"""


def fresh(script: str, *words: str) -> Any:
    """What a script prints as JSON, run in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(_CASES) + textwrap.dedent(script), *words],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


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


def test_a_run_inside_another_one_is_refused() -> None:
    """It would change the step of the run that it is in."""

    def begin(phase: str, done: float, total: float) -> None:
        backends.get("brian2").run(CASE)

    with pytest.raises(SpecError, match="a run begins while another run on Brian2 is at work"):
        backends.get("brian2").run(CASE, lambda p, d, t: begin(p, d, t) if p != "input" else None)
    assert len(backends.get("brian2").run(CASE).recording.spikes["v1"].time) > 90


def test_a_turn_is_given_back_after_an_error_and_waits_for_other_threads() -> None:
    turn, order, inside = Turn("X"), [], threading.Event()
    with pytest.raises(KeyError), turn.taken():
        raise KeyError
    go_on = threading.Event()

    def first() -> None:
        with turn.taken():
            inside.set()
            go_on.wait(10)
            order.append("first")

    def second() -> None:
        with turn.taken():
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


def surroundings() -> dict[str, Any]:
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


def fails(phase: str, done: float, total: float) -> None:
    if phase == "simulating":
        raise ZeroDivisionError


@pytest.fixture
def unusual() -> Iterator[None]:
    """Settings that nobody has by default."""
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
    before = surroundings()
    if report is None:
        made.run(CASE)
    else:
        with pytest.raises(ZeroDivisionError):
            made.run(CASE, report)
    after = surroundings()
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
    crossed(unwarned)
    assert list(warnings.filters) == filters
    crossed(style)
    assert dict(matplotlib.rcParams) == settings


# -- NEST ------------------------------------------------------------------------------------------

only_nest = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("nest", "pynestml")),
    reason="pip install 'scnnbio[nest]' brings what this test needs",
)


@only_nest
@pytest.mark.nest
@pytest.mark.slow
@pytest.mark.parametrize("first", ["main", "another"])
def test_nest_works_in_the_thread_that_imported_it_and_is_refused_in_others(first: str) -> None:
    """In another thread NEST ends the process."""
    ran, refused, missing, again, expected = fresh(
        """
        import warnings
        warnings.simplefilter("ignore")
        def run():
            return spikes(CASES[0], "nest")
        def attempt():
            made = backends.get("nest")
            problem, = made.unsupported(CASES[0])
            try:
                made.run(CASES[0])
            except Exception as error:
                return [type(error).__name__, problem.feature, problem.remedy], made.missing()
        if sys.argv[1] == "main":
            ran = run()
            (refused, missing), = at_once(attempt)
            again = run()
        else:
            ran, = at_once(run)
            refused, missing = attempt()
            again = ran
        print(json.dumps([ran, refused, missing, again, spikes(CASES[0], "reference")]))
        """,
        first,
    )
    assert ran == again == expected
    assert refused[0] == "UnsupportedError"
    assert refused[1].startswith("NEST works in one thread of a process, the one that imported it")
    assert "or in a process of its own" in refused[2]
    assert missing.startswith(refused[1])


@only_nest
@pytest.mark.nest
@pytest.mark.slow
@pytest.mark.parametrize("report", [None, fails])
def test_what_the_user_has_in_nest_is_as_it_was(report: Callable[..., None]) -> None:
    need_nest()
    import nest

    made = backends.get("nest")
    verbosity = nest.verbosity
    nest.ResetKernel()
    try:
        nest.verbosity = nest.VerbosityLevel.FATAL
        nest.set(
            resolution=0.25, local_num_threads=2, rng_seed=77, rng_type="Philox_32",
            overwrite_files=True, data_prefix="mine", min_delay=0.5, max_delay=3.0, use_wfr=False,
        )  # fmt: skip
        before = {name: str(value) for name, value in nest.get().items()}
        if report is None:
            made.run(CASE)
        else:
            with pytest.raises(ZeroDivisionError):
                made.run(CASE, report)
        after = {name: str(value) for name, value in nest.get().items()}
        # How much memory and time it has taken.
        changed = {name for name in before if after[name] != before[name]}
        assert not {n for n in changed if not n.startswith(("time_", "memory_"))}
    finally:
        nest.ResetKernel()
        nest.verbosity = verbosity


@only_nest
@pytest.mark.nest
def test_a_network_that_the_user_has_in_nest_is_not_removed() -> None:
    need_nest()
    made = backends.get("nest")
    import nest

    nest.ResetKernel()
    try:
        nest.Create("iaf_psc_exp", 3)
        (problem,) = made.unsupported(CASE)
        assert problem.feature == "NEST holds a network of 3 nodes, which a run would remove"
        assert "nest.ResetKernel()" in problem.remedy
        assert nest.network_size == 3
    finally:
        nest.ResetKernel()
    assert made.unsupported(CASE) == []
