"""Stages that learn by gradient: what a document says of them, and what later stages get."""

from __future__ import annotations

import dataclasses
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scnnbio import workflow
from scnnbio.backends import get
from scnnbio.comparison.run import _recording_all
from scnnbio.errors import BackendMissing, SpecError, UnsupportedError
from scnnbio.experiment import Experiment, Record, Study, load
from scnnbio.experiment.gradient import BySurrogates
from scnnbio.experiment.portions import portions
from scnnbio.inputs import Augmentation, FromImages, FromSpikes
from scnnbio.plasticity import SharedThreshold

FILE = Path(__file__).parents[2] / "experiments/digits_surrogate.toml"


@pytest.fixture(scope="module")
def study() -> Study:
    return load(FILE, profile="tiny")


@pytest.fixture
def stage(study: Study) -> Experiment:
    return study.experiments[1]


def _of(stage: Experiment, chosen: np.ndarray) -> FromImages:
    """Some images of a stage, as arrays."""
    shown = stage.inputs["retina"]
    assert isinstance(shown, FromImages)
    labels = {name: values[chosen] for name, values in shown.columns.items()}
    images = shown.values[chosen].transpose(0, 2, 3, 1)
    return FromImages(images, shown.code, shown.duration, labels)


def test_a_stage_trains_as_the_function_does_and_never_sees_the_test_part(stage: Experiment):
    torch = pytest.importorskip("torch")
    from scnnbio.backends.torch import train

    assert stage.training is not None
    part = stage.trial_table()["part"]
    learns, chooses = (
        dataclasses.replace(
            stage, inputs={"retina": _of(stage, np.flatnonzero(part == name))}, training=None
        )
        for name in ("train", "validation")
    )
    torch.set_num_threads(1)
    settings = stage.training.settings  # type: ignore[attr-defined]
    wanted = train(learns, "label", "digits", settings, validation=chooses)
    run = get("torch").run(stage)
    for projection in wanted.network.projections:
        np.testing.assert_array_equal(run.weights[projection.name], projection.kernel)
    told = run.provenance["training"]
    assert told["chosen"] == wanted.chosen
    assert told["trained_on"] == (part == "train").sum()
    assert [row["validation"] for row in told["epochs"]] == wanted.epochs["validation"].tolist()


@pytest.fixture
def augmented(stage: Experiment) -> Experiment:
    """The stage with images that change, for two epochs."""
    how = stage.training
    assert isinstance(how, BySurrogates)
    settings = dataclasses.replace(how.settings, epochs=2)
    changes = Augmentation(shift=1.0, rotation=10.0, share=0.7)
    return dataclasses.replace(
        stage, training=dataclasses.replace(how, settings=settings, augmentation=changes)
    )


def test_each_epoch_shows_the_training_part_changed_in_another_way(augmented: Experiment):
    before, how = augmented.inputs["retina"], augmented.training
    assert isinstance(before, FromImages)
    assert isinstance(how, BySurrogates)
    train = np.flatnonzero(augmented.trial_table()["part"] == "train")
    first, second, again = (how.trials_of(augmented, k) for k in (0, 1, 0))
    assert first == again
    assert first.seed != second.seed
    for one in (first, second):
        shown = one.inputs["retina"]
        assert isinstance(shown, FromImages)
        np.testing.assert_array_equal(shown.columns["label"], before.columns["label"][train])
        same = (shown.values == before.values[train]).all((1, 2, 3)).mean()
        assert same == pytest.approx(0.3, abs=4 * np.sqrt(0.21 / len(train)))
    assert first.inputs["retina"] != second.inputs["retina"]


def test_a_stage_trains_on_the_trials_of_each_epoch(augmented: Experiment):
    torch = pytest.importorskip("torch")
    from scnnbio.backends.torch import train

    how = augmented.training
    assert isinstance(how, BySurrogates)
    part = augmented.trial_table()["part"]
    plain = dataclasses.replace(augmented, training=None)
    learns, chooses = (
        dataclasses.replace(plain, inputs={"retina": _of(plain, np.flatnonzero(part == name))})
        for name in ("train", "validation")
    )
    torch.set_num_threads(1)
    wanted = train(
        learns, "label", "digits", how.settings, validation=chooses,
        trials_of=lambda epoch: how.trials_of(augmented, epoch),
    )  # fmt: skip
    run = get("torch").run(augmented)
    for projection in wanted.network.projections:
        np.testing.assert_array_equal(run.weights[projection.name], projection.kernel)


def test_without_augmentation_a_training_keeps_its_identity(augmented: Experiment):
    how = augmented.training
    assert isinstance(how, BySurrogates)
    assert "augmentation" in how.canonical_fields()
    plain = dataclasses.replace(how, augmentation=None)
    assert "augmentation" not in plain.canonical_fields()
    assert BySurrogates.from_canonical(plain.canonical_fields()) == plain != how


def test_augmentation_survives_its_document(tmp_path: Path):
    key = "stages.trained.training.augmentation={ shift = 1.5, rotation = '10 deg', share = 0.7 }"
    study = load(FILE, profile="tiny", settings=[key])
    how = study.experiments[1].training
    assert isinstance(how, BySurrogates)
    assert how.augmentation == Augmentation(1.5, 10.0, share=0.7)
    dataclasses.replace(study, document={}, files={}).save(tmp_path / "written.toml")
    assert load(tmp_path / "written.toml").experiments[1].training == how


def test_dropout_survives_its_document(tmp_path: Path):
    key = "stages.trained.training.settings.dropout={ one = 0.1, two = 0.25 }"
    study = load(FILE, profile="tiny", settings=[key])
    how = study.experiments[1].training
    assert isinstance(how, BySurrogates)
    assert how.settings.dropout == {"one": 0.1, "two": 0.25}
    dataclasses.replace(study, document={}, files={}).save(tmp_path / "written.toml")
    assert load(tmp_path / "written.toml").experiments[1].training == how


def test_augmentation_needs_images(stage: Experiment):
    table = {name: stage.trial_table()[name] for name in ("label", "part")}
    n = len(table["part"])
    spikes = FromSpikes([1.0], [0], [0], (1, 8, 8), n, stage.trial_duration, table)
    how = BySurrogates("digits", augmentation=Augmentation(shift=1.0))
    with pytest.raises(SpecError, match=r"inputs.retina: FromSpikes has no images; augmentation"):
        dataclasses.replace(stage, inputs={"retina": spikes}, training=how)


def test_thresholds_that_kept_rates_are_left_to_later_stages(stage: Experiment):
    pytest.importorskip("torch")
    rule = SharedThreshold(eta=0.05, target=50.0)
    populations = tuple(
        dataclasses.replace(p, homeostasis=rule) if p.name == "one" else p
        for p in stage.network.populations
    )
    network = dataclasses.replace(stage.network, populations=populations)
    run = get("torch").run(dataclasses.replace(stage, network=network))
    after = network.with_weights(run.weights).population("one").values()["v_thresh"]
    assert np.ptp(after) > 0
    assert (after != 1.0).all()


def test_a_stage_that_trains_is_not_divided_over_processes(stage: Experiment):
    assert portions(stage, 2) == (stage,)
    assert len(portions(dataclasses.replace(stage, training=None), 2)) == 2


def test_a_comparison_lets_it_record_nothing(study: Study):
    whole = _recording_all(study)
    assert whole.experiments[1].record.spikes == ()
    assert whole.experiments[2].record.spikes == ("retina", "one", "two", "digits")


def test_it_survives_its_document(study: Study, tmp_path: Path):
    study.save(tmp_path / "study.toml")
    assert load(tmp_path / "study.toml").digest() == study.digest()
    dataclasses.replace(study, document={}, files={}).save(tmp_path / "written.toml")
    assert load(tmp_path / "written.toml").experiments[1].training == study.experiments[1].training


def test_only_a_stage_that_trains_has_another_identity(stage: Experiment):
    plain = dataclasses.replace(stage, training=None)
    assert "training" not in plain.canonical_fields()
    assert plain.digest() != stage.digest()


@pytest.mark.parametrize("backend", ["reference", "brian2-standalone", "nest"])
def test_another_backend_refuses_it_and_says_how_to_name_two(study: Study, backend: str):
    with pytest.raises(UnsupportedError, match=r"training.*--backend STAGE=torch,BACKEND"):
        workflow.execute(study, backend)


def test_without_torch_one_error_says_how_to_get_it(study: Study, monkeypatch: pytest.MonkeyPatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        "scnnbio._torch.importlib.util.find_spec",
        lambda name, *rest: None if name == "torch" else find(name, *rest),
    )
    assert len(workflow.missing(study, "trained=torch,reference")) == 1
    with pytest.raises(BackendMissing, match=r"torch not found: .*install"):
        workflow.execute(study, "trained=torch,reference")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"learning": False}, r"learning: a stage that trains has learning = true"),
        ({"record": Record(("one",))}, r"record: a stage that trains records nothing"),
        ({"training": BySurrogates("eye")}, r"eye"),
        ({"training": BySurrogates("retina")}, r"training.readout: 'retina' is a source"),
        ({"training": BySurrogates("digits", "lable")}, r"training.labels: .*'lable'.*label"),
        ({"training": "surrogate"}, r"training: 'surrogate' is not of the type Gradient"),
    ],
)
def test_what_it_lacks_is_one_error(stage: Experiment, changes: dict[str, Any], said: str):
    with pytest.raises(SpecError, match=said):
        dataclasses.replace(stage, **changes)


def test_it_needs_both_parts(stage: Experiment):
    part = stage.trial_table()["part"]
    with pytest.raises(SpecError, match=r"no trial has 'validation'.*only 'train'"):
        dataclasses.replace(stage, inputs={"retina": _of(stage, np.flatnonzero(part == "train"))})


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("settings.epochs=0", r"stages.trained.training.settings.*epochs: 0"),
        ("settings.epoch=3", r"stages.trained.training.settings: unknown key 'epoch'.*epochs"),
        (
            "settings.surrogate.kind='arc'",
            r"training.settings.surrogate.kind: 'arc'",
        ),
        ("settings.learn.one=['tau_m']", r"training.settings.learn: a later stage takes kernels"),
        ("augmentation.shift=-1", r"training.augmentation.*shift: -1 is not a range"),
        ("augmentation.turn=3", r"training.augmentation: unknown key 'turn'"),
        ("kind='surogate'", r"stages.trained.training.kind: .*'surogate'.*surrogate"),
    ],
)
def test_a_wrong_key_of_a_document_is_named(setting: str, said: str):
    with pytest.raises(SpecError, match=said):
        load(FILE, profile="tiny", settings=[f"stages.trained.training.{setting}"])


def test_a_methods_section_says_how_a_stage_trains(study: Study):
    from scnnbio.description import describe

    text = describe(study).markdown()
    assert "Backpropagation through the steps of the spiking network" in text
    assert "settings.epochs: 3<br>" in text
    assert "readout: digits" in text
    assert "slope of the surrogate: 1/(1 + (pi" in text
