"""Several processes, as far as one can show them; test_mpi.py has several."""

from __future__ import annotations

import dataclasses
import sys

import numpy as np
import pytest

from scnnbio import cli
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
    for name in (*processes._RANK, *processes._SIZE):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setitem(sys.modules, "mpi4py", None)


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
    with pytest.raises(SpecError, match="stage 'mine': cannot be written out, since part of it"):
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
    assert team.everybody("text") == ["text"]
    with pytest.raises(DataError, match="here"), team.bound():
        team.together(lambda: (_ for _ in ()).throw(DataError("here")))


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize(
    ("rank", "size"), [("PMI_RANK", "PMI_SIZE"), ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE")]
)
def test_processes_that_cannot_hear_one_another_do_nothing(
    rank: str, size: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each would write the same folder; the first one says so."""
    monkeypatch.setattr(sys, "argv", ["scnnbio", "list"])
    monkeypatch.setenv(size, "2")
    said = []
    for number in ("0", "1"):
        monkeypatch.setenv(rank, number)
        with pytest.raises(SystemExit) as caught:
            cli.main()
        assert caught.value.code == BackendMissing.exit_code
        said.append(capsys.readouterr())
    assert "there are 2 processes, and mpi4py" in said[0].err
    assert "pip install 'scnnbio[mpi]'" in said[0].err
    assert said[0].out == said[1].out == said[1].err == ""


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("size", [None, "1"])
def test_one_process_needs_no_mpi4py_whoever_started_it(
    size: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PMIX_RANK", "0")
    if size is not None:
        monkeypatch.setenv("PMI_SIZE", size)
    with processes.command(lambda order: None) as ours:
        assert ours
    assert processes.missing(1) == ""


def test_a_nest_and_an_mpi4py_of_different_libraries_are_named() -> None:
    token = processes._commanded.set(processes.Team(FirstOfTwo(), led=True))
    try:
        with pytest.raises(BackendMissing, match="NEST counts 3 processes and mpi4py 2: they were"):
            processes.team("NEST", 3)
    finally:
        processes._commanded.reset(token)
