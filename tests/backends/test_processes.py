"""Several processes, as far as one can show them; test_mpi.py has several."""

from __future__ import annotations

import dataclasses
import sys

import numpy as np
import pytest

from scnnbio.backends import processes
from scnnbio.errors import BackendMissing, DataError, SpecError
from scnnbio.experiment import Experiment, Record
from scnnbio.experiment.as_text import experiment_from, experiment_text
from scnnbio.plasticity import SharedSTDP
from tests.backends.mpi_program import layers
from tests.backends.networks import experiment, small_network
from tests.backends.test_agreement import CASES
from tests.backends.test_learning import many_rules
from tests.experiment.small import study


class FirstOfTwo:
    """A communicator as far as it is asked before anything is sent."""

    rank, size = 0, 2


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in processes._LAUNCHED:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    monkeypatch.setitem(sys.modules, "mpi4py.MPI", None)


@pytest.mark.parametrize(
    "case",
    [*CASES.values(), layers(), experiment(many_rules(), record=Record()), *study().experiments],
    ids=lambda case: case.stage,
)
def test_an_experiment_is_the_same_after_it_was_written_out(case: Experiment) -> None:
    again = experiment_from(experiment_text(case))
    assert again.digest() == case.digest()
    for ours, theirs in zip(again.network.projections, case.network.projections, strict=True):
        np.testing.assert_array_equal(ours.kernel, theirs.kernel)


@dataclasses.dataclass(frozen=True)
class OwnRule(SharedSTDP):
    """Of a class that no document names."""

    further: float = 1.0


def test_what_cannot_be_written_out_is_named() -> None:
    case = experiment(small_network(OwnRule()), stage="mine", record=Record())
    with pytest.raises(
        SpecError, match="stage 'mine': cannot be written as text, since part of it"
    ):
        experiment_text(case)


@pytest.mark.usefixtures("alone")
def test_a_process_alone_does_everything_itself() -> None:
    with processes.command(lambda order: pytest.fail("there are no others")) as ours:
        assert ours
        assert processes.commanded() is processes.team("NEST", 1)
    values = np.arange(6).reshape(3, 2)
    team = processes.ALONE
    assert team.gathered(values) is values
    assert team.in_turns(lambda: 5) == 5
    assert team.total([1, 2]) == [1, 2]
    assert team.allgather_text("text") == ["text"]
    with pytest.raises(DataError, match="here"), team.joint_work():
        team.together(lambda: (_ for _ in ()).throw(DataError("here")))


@pytest.mark.usefixtures("alone")
def test_without_mpi4py_each_process_has_a_command_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As on a cluster, where many independent runs are started at once; NEST says what it lacks."""
    monkeypatch.setenv("PMI_RANK", "1")
    monkeypatch.setenv("PMI_SIZE", "2")
    with processes.command(lambda order: None) as ours:
        assert ours
        assert processes.commanded() is processes.ALONE
    assert processes.missing(1) == ""
    told = processes.missing(2)
    assert told.startswith("there are 2 processes; mpi4py, which gathers the recordings of")
    assert "pip install '.[mpi]'" in told
    with pytest.raises(BackendMissing, match=r"is missing: pip install '\.\[mpi\]'"):
        processes.team("NEST", 2)


def test_a_nest_and_an_mpi4py_of_different_libraries_are_named() -> None:
    token = processes._commanded.set(processes.Team(FirstOfTwo(), led=True))
    try:
        with pytest.raises(
            BackendMissing, match="NEST reports 3 processes and mpi4py 2: they were"
        ):
            processes.team("NEST", 3)
    finally:
        processes._commanded.reset(token)
