"""Inputs in documents."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scnnbio import backends, load
from scnnbio.errors import DataError, SpecError
from scnnbio.experiment import Stage, Study, study_from
from scnnbio.experiment.as_text import experiment_from, experiment_text
from scnnbio.experiment.study import study_table
from scnnbio.inputs import FromSpikes
from tests.experiment import small
from tests.inputs.networks import EXPERIMENTS, FRAMES, drawn_spikes, experiment
from tests.inputs.test_images import DIGITS, idx


def study(*names: str) -> Study:
    stages = [experiment(name, stage=f"stage{k}") for k, name in enumerate(names)]
    return Study("inputs", tuple(Stage(e, e.network) for e in stages))


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_a_written_study_comes_back(tmp_path: Path, name: str) -> None:
    ours = study(name)
    ours.save(tmp_path / "study.toml")
    theirs = load(tmp_path / "study.toml")
    assert theirs == ours
    for trial in range(3):
        for one, other in zip(
            ours.experiments[0].input_spikes(trial),
            theirs.experiments[0].input_spikes(trial),
            strict=True,
        ):
            np.testing.assert_array_equal(one, other)
    assert experiment_from(experiment_text(ours.experiments[0])) == ours.experiments[0]


def document(inputs: Any, **stage: Any) -> dict[str, Any]:
    """One stage of a layer behind the source ``in``."""
    table: dict[str, Any] = json.loads(json.dumps(study_table(study("images"))))
    table["stages"] = {"shown": {"inputs": inputs, **stage}}
    return table


IMAGES = {
    "kind": "images",
    "images": "digits.idx",
    "labels": "labels.idx",
    "code": {"kind": "latency", "budget": 9, "window": "20 ms"},
    "duration": "40 ms",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    images = np.stack([DIGITS[:, :, :6]] * 2, axis=-1)
    (tmp_path / "digits.idx").write_bytes(idx(images))
    (tmp_path / "labels.idx").write_bytes(idx(np.array([7, 2, 1, 0], np.uint8)))
    return tmp_path


def test_files_begin_at_the_document_and_are_named_with_their_digests(folder: Path) -> None:
    made = study_from(document({"in": IMAGES}), folder=folder)
    (shown,) = made.experiments
    assert shown.trial_table()["label"].tolist() == [7, 2, 1, 0]
    read = {Path(source.path).name: source for source in made.sources}
    assert read.keys() == {"digits.idx", "labels.idx"}
    run = backends.get("reference").run(shown)
    assert [Path(f["path"]).name for f in run.provenance["files_read"]] == [
        "digits.idx",
        "labels.idx",
    ]


def test_a_recording_drives_a_stage(tmp_path: Path) -> None:
    first = backends.get("reference").run(experiment("spikes"))
    first.recording.save(tmp_path / "recording.h5")
    table = document({"in": {"kind": "spikes", "file": "recording.h5", "population": "in"}}, dt=0.5)
    table["network"] = study_table(study("spikes"))["network"]
    made = study_from(table, folder=tmp_path)
    given = made.experiments[0].inputs["in"]
    assert given == drawn_spikes()
    assert isinstance(given, FromSpikes)
    assert [Path(file.path).name for file in given.files.read] == ["recording.h5"]
    made.save(tmp_path / "study.toml")
    assert load(tmp_path / "study.toml") == made


def test_a_stage_like_another_one_may_take_the_other_form() -> None:
    table = study_table(small.study())
    del table["claims"]
    short = {key: table["stages"]["learn"][key] for key in ("stimulus", "encoding")}
    full = {"lgn": {"kind": "frames", **short}}
    table["stages"] = {
        "one": short,
        "two": {"like": "one", "inputs": full},
        "three": {"like": "two", **short},
        "four": {"like": "two", "inputs": {"lgn": {"stimulus": {"n_trials": 2}}}},
    }
    one, two, three, four = study_from(table).experiments
    assert one.canonical_fields()["stimulus"] == two.canonical_fields()["stimulus"]
    assert three.stimulus == one.stimulus
    assert (two.n_trials, four.n_trials) == (4, 2)


@pytest.mark.parametrize(
    ("inputs", "told"),
    [
        ({}, "inputs: no input is given"),
        (3, r"stages\.shown\.inputs: 3 is not a table"),
        ({"in": 3}, r"stages\.shown\.inputs\.in: 3 is not a table"),
        ({"in": {}}, r"stages\.shown\.inputs\.in: 'kind' is missing"),
        ({"in": {"kind": "image"}}, r"inputs\.in\.kind: .*did you mean 'images'"),
        ({"in": {**IMAGES, "cod": 1}}, r"inputs\.in: unknown key 'cod'"),
        ({"in": {**IMAGES, "code": {"kind": "bursts"}}}, r"inputs\.in\.code\.kind"),
        ({"out": IMAGES}, "'out' is not a population"),
        ({"v1": IMAGES}, "'v1' is not a spike source"),
        ({"in": {"kind": "spikes"}}, r"inputs\.in: 'time' is missing"),
        ({"in": {"kind": "spikes", "file": "digits.idx"}}, r"inputs\.in: 'population' is missing"),
        ({"in": {"kind": "spikes", "files": []}}, r"inputs\.in: unknown key 'files'"),
        ({"in": {"kind": "frames"}}, r"inputs\.in: 'stimulus' is missing"),
    ],
)
def test_what_is_wrong_names_its_place(folder: Path, inputs: Any, told: str) -> None:
    with pytest.raises(SpecError, match=told) as found:
        study_from(document(inputs), folder=folder)
    assert "\n" not in str(found.value)


def test_both_forms_at_once_are_refused(folder: Path) -> None:
    short = study_table(small.study())["stages"]["learn"]["stimulus"]
    with pytest.raises(SpecError, match="'stimulus' is given beside 'inputs'"):
        study_from(document({"in": IMAGES}, stimulus=short), folder=folder)


def test_damaged_files_name_themselves(folder: Path) -> None:
    (folder / "digits.idx").write_bytes(idx(DIGITS)[:-1])
    with pytest.raises(DataError, match=r"digits\.idx: is cut off"):
        study_from(document({"in": IMAGES}), folder=folder)
    spikes = {"kind": "spikes", "file": "digits.idx", "population": "in"}
    with pytest.raises(DataError, match=r"digits\.idx"):
        study_from(document({"in": spikes}), folder=folder)


def test_frames_in_full_are_the_short_form() -> None:
    short = experiment("images", inputs={}, stimulus=FRAMES.stimulus, encoding=FRAMES.encoding)
    full = experiment("images", inputs={"in": FRAMES})
    tables = [study_table(Study("inputs", (Stage(made, made.network),))) for made in (short, full)]
    assert "inputs" not in tables[0]["stages"]["run"]
    assert study_from(tables[0]).experiments == study_from(tables[1]).experiments
