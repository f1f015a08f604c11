"""Several sources of different channels: what is drawn, and how it is counted on."""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
import pytest

from scnnbio import (
    Experiment,
    LatencyCode,
    Network,
    Population,
    Projection,
    Record,
    SpikeSource,
    backends,
    load,
)
from scnnbio.connectors import EdgeListConnector
from scnnbio.errors import SpecError
from scnnbio.experiment import Stage, Study
from scnnbio.experiment.study import study_table
from scnnbio.inputs import Draw, FromFrames, FromSpikes, Input
from tests.experiment import small
from tests.inputs.networks import (
    DURATION,
    FRAMES,
    TRIALS,
    drawn_images,
    drawn_spikes,
    experiment,
    one_source,
    two_sources,
)


@final
@dataclass(frozen=True, eq=False)
class CustomColumns(Input):
    """An input of one's own: every unit fires in the first step, and columns are as given."""

    columns: dict[str, np.ndarray]
    n_trials: int = TRIALS
    duration: float = DURATION

    @property
    def shape(self) -> tuple[int | None, int | None, int | None]:
        return (2, None, None)

    def spikes(self, trial: int, draw: Draw) -> tuple[np.ndarray, np.ndarray]:
        unit = np.arange(np.prod(draw.shape), dtype=np.int32)
        return np.ones(len(unit), np.int32), unit

    def table(self) -> dict[str, np.ndarray]:
        return self.columns


def test_an_input_of_ones_own_runs_and_has_no_document() -> None:
    own = CustomColumns({"depth": np.array([1.0, 2.0, 3.0])})
    made = experiment("images", inputs={"in": own})
    runs = [backends.get(name).run(made).recording for name in ("reference", "brian2")]
    assert len(runs[0].spikes["in"].time) == 72 * TRIALS
    assert len(runs[0].spikes["v1"].time) > 0
    for name in ("in", "v1"):
        np.testing.assert_array_equal(runs[0].spikes[name].unit, runs[1].spikes[name].unit)
    assert runs[0].trials["depth"].tolist() == [1.0, 2.0, 3.0]
    with pytest.raises(SpecError, match="CustomColumns cannot be written in a document"):
        study_table(Study("own", (Stage(made, made.network),)))


def test_the_short_form_is_one_input_of_frames() -> None:
    short = small.experiment()
    full = small.experiment(
        stimulus=None,
        encoding=None,
        inputs={"lgn": FromFrames(short.stimulus, short.encoding)},  # type: ignore[arg-type]
    )
    assert short == full
    assert short.digest() == full.digest()
    for ours, theirs in zip(short.input_spikes(1), full.input_spikes(1), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_what_one_source_fires_is_what_it_always_fired() -> None:
    """Digests of first trials, taken before an experiment could have several sources."""
    grating = load(Path(__file__).parents[2] / "experiments" / "v1_grating.toml")
    learn, test, _ = small.study().experiments
    digests = {
        grating.experiments[0]: "887107fbc23ec0c2",
        learn: "be0b69e4fdb04bac",
        test: "e78291d569fb39fe",
    }
    for made, expected in digests.items():
        found = hashlib.sha256()
        for trial in range(min(made.n_trials, 2)):
            for values in made.input_spikes(trial):
                found.update(values.astype("<i8").tobytes())
        assert found.hexdigest()[:16] == expected, made.stage


def test_a_replaced_stimulus_is_shown() -> None:
    short = small.experiment()
    longer = dataclasses.replace(short.stimulus, n_trials=7)  # type: ignore[type-var]
    changed = dataclasses.replace(short, stimulus=longer)
    assert (short.n_trials, changed.n_trials) == (4, 7)
    assert changed.inputs["lgn"].n_trials == 7


def test_the_first_source_draws_as_if_it_were_alone() -> None:
    both = experiment("two sources")
    alone = Experiment(
        one_source((2, 6, 6)), FRAMES.stimulus, FRAMES.encoding, dt=both.dt, seed=both.seed
    )
    for trial in range(TRIALS):
        step, unit = both.input_spikes(trial)
        ours = unit < 72
        expected = alone.input_spikes(trial)
        np.testing.assert_array_equal(step[ours], expected[0])
        np.testing.assert_array_equal(unit[ours], expected[1])
        # The other ones are those that were given, on a grid of half a millisecond.
        given = drawn_spikes()
        mine = np.asarray(given.trial) == trial
        np.testing.assert_array_equal(step[~ours], 2 * np.asarray(given.time)[mine])
        np.testing.assert_array_equal(unit[~ours] - 72, np.asarray(given.unit)[mine])


def test_equal_stimuli_are_one_scene_and_spikes_are_drawn_apart() -> None:
    layers = two_sources().populations
    network = Network(
        tuple(dataclasses.replace(p, shape=(2, 6, 6)) if p.is_source else p for p in layers), ()
    )
    both = Experiment(network, inputs={"eye": FRAMES, "skin": FRAMES}, dt=0.5)
    ours, theirs = (FRAMES.frames(1, both.drawing(1, name)) for name in ("eye", "skin"))
    np.testing.assert_array_equal(ours, theirs)
    spikes = both.input_stream().by_source
    assert len(spikes["eye"][0]) > 100
    assert not np.array_equal(spikes["eye"][1], spikes["skin"][1])


def test_a_network_of_two_sources_is_one_of_a_joint_source() -> None:
    """One source with the neurons of both, joined by lists of edges, knows of no two sources."""
    both = experiment("two sources")
    run = backends.get("reference").run(both)
    network, size = both.network, 72 + 75
    joined = []
    for name, first in (("eye", 0), ("skin", 72)):
        (projection,) = (p for p in network.projections if p.pre == name)
        edges = projection.connector.edges()
        listed = EdgeListConnector(
            (size, 1, 1),
            network.population("v1").shape,
            (edges.pre + first, edges.post),
            projection.kernel.ravel()[edges.tap],
        )
        joined.append(
            Projection("all", "v1", listed, projection.weight, projection.delay, name=name)
        )
    spikes = [run.recording.spikes[name] for name in ("eye", "skin")]
    given = FromSpikes(
        np.concatenate([s.time for s in spikes]),
        np.concatenate([spikes[0].unit, spikes[1].unit + 72]),
        np.concatenate([s.trial for s in spikes]),
        size=(size, 1, 1),
        n_trials=TRIALS,
        duration=DURATION,
    )
    joint = Network(
        (Population("all", (size, 1, 1), SpikeSource()), network.population("v1")), tuple(joined)
    )
    other = Experiment(joint, inputs={"all": given}, record=Record(spikes=("v1",)), dt=both.dt)
    expected = backends.get("reference").run(other).recording.spikes["v1"]
    found = run.recording.spikes["v1"]
    assert len(found.time) > 100
    np.testing.assert_array_equal(found.unit, expected.unit)
    np.testing.assert_array_equal(found.trial, expected.trial)
    np.testing.assert_allclose(found.time, expected.time, rtol=0, atol=1e-9)


def test_columns_keep_their_names_where_inputs_agree() -> None:
    network = two_sources()
    made = Experiment(
        network, inputs={"eye": FRAMES, "skin": drawn_spikes(trials={"touch": [1, 2, 3]})}, dt=0.5
    )
    assert made.trial_table()["touch"].tolist() == [1, 2, 3]
    layers = [dataclasses.replace(p, shape=(2, 6, 6)) for p in network.sources]
    images = {
        "eye": drawn_images(),
        "skin": drawn_images(labels={"label": [3, 1, 5], "hand": ["l", "r", "l"]}),
    }
    table = Experiment(Network(tuple(layers), ()), inputs=images, dt=0.5).trial_table()
    assert table["eye_label"].tolist() == [3, 1, 4]
    assert table["skin_label"].tolist() == [3, 1, 5]
    assert "label" not in table
    assert table["hand"].tolist() == ["l", "r", "l"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"inputs": {"eye": FRAMES}}, "the source 'skin' has no input"),
        (
            {"inputs": {"eye": FRAMES, "skn": drawn_spikes()}},
            "'skn' is not a population; did you mean 'skin'",
        ),
        ({"inputs": {"eye": FRAMES, "v1": drawn_spikes()}}, "'v1' is not a spike source"),
        ({"inputs": {"eye": FRAMES, "skin": drawn_images()}}, r"of shape \(3, 5, 5\)"),
        ({"inputs": {"eye": FRAMES, "skin": FRAMES}}, "has 3 channels; the encoding drives two"),
        ({"inputs": {"eye": FRAMES, "skin": 3}}, "3 is not an input"),
        ({"inputs": {}}, "no input is given"),
        ({"inputs": {"eye": FRAMES, "skin": drawn_spikes(n_trials=4, trials={})}}, "has 4 trials"),
        ({"inputs": {"eye": FRAMES, "skin": drawn_spikes(duration=50.0)}}, "has 50 ms"),
        (
            {"stimulus": FRAMES.stimulus, "encoding": FRAMES.encoding, "inputs": {}},
            "2 sources",
        ),
        (
            {"inputs": {
                "eye": CustomColumns({"skin_x": np.arange(3), "x": np.arange(3)}),
                "skin": drawn_spikes(trials={"x": [5, 5, 5]}),
            }},
            "two columns of the trial table would be 'skin_x'",
        ),
        ({"stimulus": FRAMES.stimulus}, "both inputs and"),
        ({"stimulus": FRAMES.stimulus, "inputs": {}}, "encoding: is missing"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_one_error(changes: dict[str, object], told: str) -> None:
    with pytest.raises(SpecError, match=told) as found:
        experiment("two sources", **changes)
    assert "\n" not in str(found.value)


def test_what_needs_one_source_says_so() -> None:
    both = experiment("two sources")
    with pytest.raises(SpecError, match="2 sources; this needs exactly one"):
        _ = both.source
    with pytest.raises(SpecError, match="FromSpikes has no frames"):
        _ = experiment("spikes").frames


def test_an_error_names_its_source() -> None:
    late = drawn_images(code=LatencyCode(budget=40, window=90.0))
    made = Experiment(one_source((2, 6, 6)), inputs={"in": late}, dt=0.5)
    with pytest.raises(SpecError, match=r"inputs\.in: .*outlast the trial"):
        made.input_spikes(0)
