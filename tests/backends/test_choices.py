"""A backend for each stage: how it is written, and that it is what runs."""

from __future__ import annotations

import pytest

from scnnbio import backends, workflow
from scnnbio.backends.choices import Choice, by_stage
from scnnbio.errors import SpecError, UnsupportedError
from tests.experiment.small import study

STAGES = ["learn", "test", "fresh"]


@pytest.fixture(autouse=True)
def _faulty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(backends.BACKENDS.own, "picky", "tests.workflow.faulty:Picky")


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("nest", ["nest", "nest", "nest"]),
        ("nest:threads=2", ["nest:threads=2"] * 3),
        ("learn=brian2, test=nest, fresh=brian2", ["brian2", "nest", "brian2"]),
        ("brian2,test=nest:threads=2", ["brian2", "nest:threads=2", "brian2"]),
    ],
)
def test_what_stands_on_the_command_line(text: str, labels: list[str]) -> None:
    found = by_stage(text, STAGES)
    assert [found[stage].label for stage in STAGES] == labels


def test_options_are_those_of_the_words_and_those_given() -> None:
    choice = Choice("nest:threads=2", {"cells": "standard"})
    assert (choice.name, choice.options) == ("nest", {"threads": 2, "cells": "standard"})
    assert by_stage("nest", ["a"], {"threads": 3})["a"].options == {"threads": 3}


@pytest.mark.parametrize(
    ("text", "options", "part"),
    [
        ("lern=nest", None, "--backend: there is no stage 'lern'; did you mean 'learn'"),
        ("learn=nest", None, "--backend: stage 'test' has no backend"),
        ("nest,brian2", None, "--backend: the backend of all other stages is given twice"),
        ("learn=nest,learn=nest", None, "--backend: stage 'learn' is given twice"),
        ("brian2,learn=nset", None, "there is no backend 'nset'; did you mean 'nest'"),
        ("", None, "--backend: stage 'learn' has no backend"),
        ("brian2,learn=nest", {"threads": 2}, "--set: backend.KEY needs a single backend"),
    ],
)
def test_what_is_written_wrongly(text: str, options: dict | None, part: str) -> None:
    with pytest.raises(SpecError) as caught:
        by_stage(text, STAGES, options)
    assert part in str(caught.value)


def test_each_stage_runs_on_its_own_and_starts_from_what_was_learned() -> None:
    mixed = workflow.execute(study(), "reference,test=brian2")
    alone = workflow.execute(study(), "reference")
    assert [run.provenance["backend"] for run in mixed.runs.values()] == [
        *("reference", "brian2", "reference"),
    ]
    assert mixed.provenance["backend"] == "reference, brian2"
    for stage, run in alone.runs.items():
        ours, theirs = mixed.runs[stage].recording.spikes["v1"], run.recording.spikes["v1"]
        assert ours.time.tolist() == theirs.time.tolist()
        assert ours.unit.tolist() == theirs.unit.tolist()


def test_a_backend_is_asked_about_its_own_stages_alone() -> None:
    # Picky takes nothing that learns; the test does not learn, but has another step.
    found = workflow.check(study(), "reference,test=picky")
    assert [problem.feature for problem in found] == ["is 0.25 ms"]
    assert [problem.feature for problem in workflow.check(study(), "picky")] == [
        "learns",
        "is 0.25 ms",
    ]
    with pytest.raises(UnsupportedError, match=r"dt: is 0\.25 ms"):
        workflow.execute(study(), "reference,test=picky")
