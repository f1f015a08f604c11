"""Studies as documents: there and back, profiles and settings, and no document that crashes."""

from __future__ import annotations

import copy
import dataclasses
import tomllib
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from scnnbio.errors import DataError, SpecError
from scnnbio.experiment import Study, load, study_from
from scnnbio.experiment.documents import continued, set_path
from scnnbio.experiment.study import study_table
from tests.experiment.small import experiment, study

FILE = Path(__file__).parents[2] / "experiments" / "v1_features.toml"
DOCUMENT: dict[str, Any] = tomllib.loads(FILE.read_text(encoding="utf-8"))


def digests(made: Study) -> dict[str, str]:
    return {e.stage: e.digest() for e in made.experiments}


def with_value(path: str, value: Any, document: dict[str, Any] = DOCUMENT) -> dict[str, Any]:
    changed = copy.deepcopy(document)
    set_path(changed, path, value)
    return changed


def tiny(document: dict[str, Any], *more: str) -> Study:
    return study_from(document, profile="tiny", settings=more)


@pytest.mark.parametrize("profile", [None, "tiny", "quick", "full"])
def test_the_bundled_study_there_and_back(tmp_path: Path, profile: str | None) -> None:
    made = load(FILE, profile=profile, seed=5, settings=["maps=12"])
    made.save(tmp_path / "copy.toml")
    again = load(tmp_path / "copy.toml")
    assert digests(again) == digests(made)
    assert (again.name, again.title, again.claims, again.seed) == (
        made.name,
        made.title,
        made.claims,
        5,
    )
    assert [s.weights_from for s in again.stages] == [None, None, "learn"]


def test_a_study_from_python_there_and_back(tmp_path: Path) -> None:
    made = study()
    made.save(tmp_path / "own.toml")
    again = load(tmp_path / "own.toml")
    assert digests(again) == digests(made)
    assert [s.network.digest() for s in again.stages] == [s.network.digest() for s in made.stages]
    assert (again.title, again.claims, again.seed) == (made.title, made.claims, made.seed)
    assert [(e.dt, e.seed) for e in again.experiments] == [(0.5, 3), (0.25, 9), (0.5, 3)]
    assert (
        again.stages[0].network.population("v1").model
        == made.stages[0].network.population("v1").model
    )
    # And once more: what is written is what was read.
    assert tomllib.loads(tomli_w.dumps(study_table(again))) == tomllib.loads(
        tomli_w.dumps(study_table(made))
    )


def test_a_written_document_survives_as_text(tmp_path: Path) -> None:
    made = tiny(DOCUMENT)
    made.save(tmp_path / "a.toml")
    load(tmp_path / "a.toml").save(tmp_path / "b.toml")
    assert (tmp_path / "a.toml").read_text() == (tmp_path / "b.toml").read_text()


def test_profiles_options_and_settings_are_applied_in_this_order() -> None:
    assert tiny(DOCUMENT).stages[0].network.population("v1").shape[0] == 8
    made = tiny(DOCUMENT, "maps=5", "stages.learn.stimulus.n_trials = 7", "title=two words")
    assert made.stages[0].network.population("v1").shape[0] == 5
    assert [e.n_trials for e in made.experiments][:2] == [7, 7]
    assert made.title == "two words"
    assert study_from(DOCUMENT, seed=3, settings=["seed=2"]).seed == 3


@pytest.mark.parametrize(
    ("text", "value"),
    # As TOML reads them, and as text where TOML cannot.
    [
        ("3", 3),
        ("-2.5e1", -25.0),
        ("true", True),
        ('"20 ms"', "20 ms"),
        ("20 ms", "20 ms"),
        ("white-noise", "white-noise"),
        ("[1, 2]", [1, 2]),
        ('{kind = "x"}', {"kind": "x"}),
        (" padded ", "padded"),
        ("a=b", "a=b"),
        ("", ""),
    ],
)
def test_settings_are_read_as_toml_or_text(text: str, value: object) -> None:
    from scnnbio.experiment.documents import setting as read_setting

    assert read_setting(f"stages.x = {text}") == ("stages.x", value)


def test_a_value_cannot_bring_further_keys() -> None:
    # A line end in a value would otherwise be the end of it.
    from scnnbio.experiment.documents import setting as read_setting

    assert read_setting('title="x"\nseed = 9') == ("title", '"x"\nseed = 9')


@pytest.mark.parametrize("setting", ["maps", "=3", " = 3", ".a=3", "network..x=3", "name.x=3"])
def test_what_is_not_a_setting_is_refused(setting: str) -> None:
    with pytest.raises(SpecError):
        tiny(DOCUMENT, setting)


def test_like_takes_over_and_changes_in_place() -> None:
    learn, control, _ = tiny(DOCUMENT).experiments
    assert control.stimulus == dataclasses.replace(learn.stimulus, images="white-noise")
    assert control.encoding == learn.encoding
    assert control.network.digest() == learn.network.digest()


def test_a_stage_may_change_the_networks_parameters() -> None:
    learn, _, gratings = tiny(DOCUMENT).stages
    assert learn.network.projection("v1_v1").weight == -30.0
    assert gratings.network.projection("v1_v1").weight == -1.0
    assert (
        gratings.network.projection("lgn_v1").connector
        == learn.network.projection("lgn_v1").connector
    )


def test_weights_are_handed_on() -> None:
    made = tiny(DOCUMENT)
    kernel = made.stages[0].network.projection("lgn_v1").kernel * 0.5

    class Ran:
        weights = {"lgn_v1": kernel}  # noqa: RUF012

    ready = made.stages[2].ready({"learn": Ran()})  # type: ignore[dict-item]
    assert (ready.network.projection("lgn_v1").kernel == kernel).all()
    assert not ready.network.learns
    assert made.stages[0].ready({}) is made.stages[0].experiment


def test_a_stage_that_learns_nothing_hands_on_nothing() -> None:
    with pytest.raises(SpecError, match="learns nothing") as caught:
        tiny(with_value("stages.learn.learning", False))
    assert caught.value.where == "stages.gratings.weights_from"


#: (path of the new value, value, path that the error names, words of the message)
WRONG = [
    ("nam", 1, "document", "did you mean 'name'"),
    ("stages.learn.stimlus", {}, "stages.learn", "did you mean 'stimulus'"),
    ("stages.learn.stimulus.zom", 1, "stages.learn.stimulus", "did you mean 'zoom'"),
    ("stages.learn.encoding.cod", {}, "stages.learn.encoding", "did you mean 'code'"),
    ("stages.learn.encoding.lgn.c5", 1, "stages.learn.encoding.lgn", "did you mean 'c50'"),
    ("stages.learn.encoding.code.budgt", 1, "stages.learn.encoding.code", "mean 'budget'"),
    ("stages.learn.record.spike", [], "stages.learn.record", "did you mean 'spikes'"),
    ("network.parametrs", {}, "network", "did you mean 'parameters'"),
    ("network.parameters.tau", 1, "network.parameters", "unknown key 'tau'"),
    ("network.model", "v1_feature", "network.model", "did you mean 'v1_features'"),
    ("stages.learn.stimulus.kind", "photos", "stages.learn.stimulus.kind", "'photographs'"),
    ("stages.control.like", "lern", "stages.control.like", "did you mean 'learn'"),
    ("stages.gratings.weights_from", "control2", "stages.gratings.weights_from", "'control'"),
    ("network.parameters.tau_m", "20 mV", "network.parameters.tau_m", "a time is needed"),
    (
        "stages.gratings.network.parameters",
        {"size": 40},
        "stages.gratings.network.parameters.size",
        "does not fit",
    ),
    ("network.parameters.delay", 0.5, "stages.learn.projection 'lgn_v1'.delay", "below"),
    ("network.parameters.seed", "x", "network.parameters", "does not accept"),
    ("stages.learn.encoding.lgn.c50", -1, "stages.learn.encoding.lgn.c50", "out of range"),
    ("stages.learn.stimulus.zoom", [0.5, 1], "stages.learn.stimulus.zoom", "alias"),
    ("stages.learn.stimulus.images", 3, "stages.learn.stimulus.images", "not text"),
    ("stages.learn.learning", "false", "stages.learn.learning", "not true or false"),
    ("stages.learn.record.snapshots", "x", "stages.learn.record.snapshots", "whole number"),
    ("stages.learn.record.signals", 3, "stages.learn.record.signals", "not a list"),
    (
        "stages.learn.record.signals",
        [{"population": "v1", "variable": ["v"]}],
        "stages.learn.record.signals[0]",
        "did you mean 'variables'",
    ),
    ("stages.gratings.network", 3, "stages.gratings.network", "not a table"),
    ("stages", [], "stages", "not a table"),
    ("stages.learn", 3, "stages.learn", "not a table"),
    ("name", "../../up", "name", "not a name"),
    ("name", 3, "name", "not text"),
    ("title", [], "title", "not text"),
    ("options", 3, "options", "not a table"),
    ("profiles", 3, "profiles", "not a table"),
    ("profiles.tiny", 3, "profiles.tiny", "not a table"),
    ("seed", -1, "seed", "whole number"),
    ("dt", "1 mV", "stages.learn.dt", "a time is needed"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value", "where", "words"), WRONG, ids=[w[0] for w in WRONG])
def test_what_is_wrong_is_told_with_its_path(path: str, value: Any, where: str, words: str) -> None:
    with pytest.raises(SpecError) as caught:
        tiny(with_value(path, value))
    assert caught.value.where == where
    assert words in caught.value.message


@pytest.mark.parametrize("key", ["name", "stages", "network"])
def test_missing_keys_are_named(key: str) -> None:
    document = {k: v for k, v in DOCUMENT.items() if k != key}
    with pytest.raises(SpecError, match=f"'{key}' is missing"):
        study_from(document)


@pytest.mark.parametrize("key", ["stimulus", "encoding"])
def test_missing_parts_of_a_stage_are_named(key: str) -> None:
    document = copy.deepcopy(DOCUMENT)
    del document["stages"]["learn"][key]
    with pytest.raises(SpecError) as caught:
        study_from(document)
    assert str(caught.value) == f"stages.learn: '{key}' is missing"


WRITTEN_OUT: dict[str, Any] = {
    "populations": [
        {"name": "lgn", "shape": [2, 5, 5], "neuron": "SpikeSource"},
        {"name": "v1", "shape": [1, 3, 3], "neuron": "LIF", "parameters": {"tau_m": "15 ms"}},
    ],
    "projections": [
        {
            "pre": "lgn",
            "post": "v1",
            "weight": "0.5 nA",
            "connector": {
                "kind": "convolution",
                "kernel": {"uniform": [0, 1], "shape": [1, 2, 3, 3]},
            },
        }
    ],
}


def inline(path: str, value: Any) -> dict[str, Any]:
    """The document with a network that is written out, and one of its values changed."""
    document = copy.deepcopy(DOCUMENT)
    document["network"] = copy.deepcopy(WRITTEN_OUT)
    document["stages"] = {"learn": document["stages"]["learn"]}
    document["claims"] = []
    here: Any = document["network"]
    *parents, last = path.split(".") if path else [""]
    for part in parents:
        here = here[int(part)] if part.isdigit() else here[part]
    if path:
        here[int(last) if last.isdigit() else last] = value
    return document


def test_a_network_is_written_out() -> None:
    made = study_from(inline("", None)).stages[0].network
    assert made.population("v1").parameters["tau_m"] == 15.0
    assert made.projection("lgn_v1").weight == 0.5
    kernel = made.projection("lgn_v1").kernel
    assert kernel.shape == (1, 2, 3, 3)
    assert 0 <= kernel.min() < kernel.max() <= 1


LEAK = {
    "name": "Leak",
    "equations": "dv/dt = -v/tau : volt",
    "threshold": "v > th",
    "reset": "v = 0*th",
    "parameters": {"tau": {"default": 5, "unit": "ms"}, "th": {"default": 1, "unit": "mV"}},
    "receptors": {"excitatory": "v"},
}
NAN = float("nan")
CONNECTOR = "network.projections[0].connector"
INLINE = [
    ("populations", 3, "network.populations", "not a list"),
    ("populations", {}, "network.populations", "not a list"),
    ("populations.1", 3, "network.populations[1]", "not a table"),
    ("populations.1.shape", 3, "network.populations[1]", "shape"),
    ("populations.1.name", 3, "network.populations[1].name", "not text"),
    ("populations.1.name", "a/b", "network.populations[1].name", "not a name"),
    ("populations.1.neuron", "LIFE", "network.populations[1].neuron", "did you mean 'LIF'"),
    ("populations.1.neuron", 3, "network.populations[1].neuron", "not a table"),
    ("populations.1.neuron", {**LEAK, "threshold": "exec(v)"},
     "network.populations[1].neuron.Leak.threshold", "only these functions"),
    ("populations.1.neuron", {**LEAK, "parameters": {"tau": 3}},
     "network.populations[1].neuron.parameters.tau", "not a table"),
    ("populations.1.neuron", {**LEAK, "parameters": {"tau": {"default": 1, "unit": "s"}}},
     "network.populations[1].neuron.parameters.tau.unit", "parameters are in"),
    ("populations.1.parameters", 3, "network.populations[1].parameters", "not a table"),
    ("populations.1.parameters.tau_m", "20 mV", "network.populations[1].parameters.tau_m",
     "a time is needed"),
    ("populations.1.homeostasis", {"eta": 1}, "network.populations[1].homeostasis",
     "'target' is missing"),
    ("populations.1.homeostasis", {"eta": 1, "target": 0},
     "network.populations[1].homeostasis.target", "positive"),
    ("projections", [3], "network.projections[0]", "not a table"),
    ("projections.0.pre", "lgm", "network.projections[0].pre", "did you mean 'lgn'"),
    ("projections.0.pre", [1], "network.projections[0].pre", "no population"),
    ("projections.0.delay", -1, "network.projections[0].delay", "not positive"),
    ("projections.0.weight", "0.5 mV", "network.projection 'lgn_v1'.weight", "a current"),
    ("projections.0.receptor", ["x"], "network.projections[0].receptor", "not text"),
    ("projections.0.plasticity", {"a_plus": NAN}, "network.projections[0].plasticity.a_plus",
     "not finite"),
    ("projections.0.connector", 3, CONNECTOR, "not a table"),
    ("projections.0.connector.kind", "conv", f"{CONNECTOR}.kind", "convolution"),
    ("projections.0.connector.kind", ["x"], f"{CONNECTOR}.kind", "convolution"),
    ("projections.0.connector.stride", "x", f"{CONNECTOR}.stride", "stride"),
    ("projections.0.connector.kernel", [[[[0.5, NAN]]]], f"{CONNECTOR}.kernel", "nan"),
    ("projections.0.connector.kernel", [[1], [1, 2]], f"{CONNECTOR}.kernel", "rectangular"),
    ("projections.0.connector.kernel", "x", f"{CONNECTOR}.kernel", "not an array"),
    ("projections.0.connector.kernel.shape", [1, 2, 9, 9], CONNECTOR, "larger"),
    ("projections.0.connector.kernel.shape", [1, 2, -3, 3], f"{CONNECTOR}.kernel.shape", "shape"),
    ("projections.0.connector.kernel.shape", [10**6] * 4, f"{CONNECTOR}.kernel.shape", "at most"),
    ("projections.0.connector.kernel.uniform", [1], f"{CONNECTOR}.kernel.uniform", "smallest"),
    ("projections.0.connector.kernel.uniform", [0, NAN], f"{CONNECTOR}.kernel.uniform", "finite"),
    ("projections.0.connector.kernel.sed", 1, f"{CONNECTOR}.kernel", "did you mean 'seed'"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value", "where", "words"), INLINE, ids=range(len(INLINE)))
def test_what_is_wrong_in_a_network_is_told_with_its_path(
    path: str, value: Any, where: str, words: str
) -> None:
    with pytest.raises(SpecError) as caught:
        study_from(inline(path, value))
    assert caught.value.where.startswith(where)
    assert words in caught.value.message


def test_files(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.toml: cannot be read"):
        load(tmp_path / "none.toml")
    with pytest.raises(DataError):
        load(tmp_path)
    for content in (b"a = = 1", b"x = " + b"[" * 5000, b"a = 1\na = 2"):
        (tmp_path / "bad.toml").write_bytes(content)
        with pytest.raises(SpecError) as caught:
            load(tmp_path / "bad.toml")
        assert "is not TOML" in str(caught.value)
        assert "\n" not in str(caught.value)
    with pytest.raises(DataError, match="cannot be written"):
        tiny(DOCUMENT).save(tmp_path / "bad.toml" / "below")


def test_studies_refuse_stages_twice() -> None:
    stage = study().stages[0]
    with pytest.raises(SpecError, match="used twice"):
        Study("x", (stage, stage))
    with pytest.raises(SpecError, match="at least one stage"):
        Study("x", ())
    with pytest.raises(SpecError, match="no earlier stage 'learn'"):
        Study("x", (study().stages[1],))
    assert experiment().stage == "learn"


@pytest.mark.parametrize(
    ("outer", "inner", "whole"),
    [
        ("a.b", "", "a.b"),
        ("a.b", "c", "a.b.c"),
        ("a.b", "b.c", "a.b.c"),
        ("a.b", "a.b.c", "a.b.c"),
        ("network.projections[0]", "projection 'x'.delay", "network.projections[0].delay"),
        ("network", "projection 'x'.delay", "network.projection 'x'.delay"),
    ],
)
def test_paths_are_joined_where_they_overlap(outer: str, inner: str, whole: str) -> None:
    assert continued(outer, inner) == whole
