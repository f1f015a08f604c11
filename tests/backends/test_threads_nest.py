"""NEST in threads, and beside what the user has in it."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable

import pytest

from scnnbio import backends
from tests.backends.nest_cases import need_nest
from tests.backends.thread_cases import CASE, fails, fresh

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
    assert refused[1].startswith("NEST works only in the thread that imported it")
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
        nest.SetDefaults("iaf_psc_exp", {"tau_m": 33.0})
        nest.SetDefaults("static_synapse", {"weight": 3.0, "delay": 2.0})
        nest.CopyModel("iaf_psc_alpha", "mine", {"C_m": 111.0})
        nest.CopyModel("static_synapse", "lost", {"weight": 9.0})
        lost = pytest.warns(
            RuntimeWarning, match="removes the synapse models lost, which are copies"
        )
        before = {name: str(value) for name, value in nest.get().items()}
        if report is None:
            with lost:
                made.run(CASE)
        else:
            with lost, pytest.raises(ZeroDivisionError):
                made.run(CASE, report)
        after = {name: str(value) for name, value in nest.get().items()}
        # How much memory and time it has taken, and the copy that is lost.
        changed = {name for name in before if after[name] != before[name]} - {"synapse_models"}
        assert not {n for n in changed if not n.startswith(("time_", "memory_"))}
        assert nest.GetDefaults("iaf_psc_exp", "tau_m") == 33.0
        assert nest.GetDefaults("static_synapse", "weight") == 3.0
        assert nest.GetDefaults("static_synapse", "delay") == 2.0
        assert nest.GetDefaults("mine", "C_m") == 111.0
        assert nest.GetDefaults("mine", "tau_m") == nest.GetDefaults("iaf_psc_alpha", "tau_m")
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


@only_nest
@pytest.mark.nest
@pytest.mark.slow
@pytest.mark.parametrize("first", ["nest", "torch"])
def test_nest_runs_whatever_number_of_threads_torch_has(first: str) -> None:
    """The two share OpenMP; NEST ends the process in more threads than it counts with."""
    pytest.importorskip("torch")
    found, left = fresh(
        """
        import importlib, warnings
        warnings.simplefilter("ignore")
        for name in sorted(("nest", "torch"), reverse=sys.argv[1] == "torch"):
            importlib.import_module(name)
        torch, found, left = sys.modules["torch"], [], []
        for number in (1, 3, 2):
            torch.set_num_threads(number)
            found.append(spikes(CASES[0], "nest"))
            left.append(torch.get_num_threads())
        print(json.dumps([found, left]))
        """,
        first,
    )
    assert found[0] == found[1] == found[2]
    assert left == [1, 3, 2]
