"""A stage that trains a module: its kernels are those of conversion, and its answers numpy's."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scnnbio.analysis.converted_digits import converted_course, module_answers
from scnnbio.analysis.digit_votes import correct
from scnnbio.backends import get
from scnnbio.errors import SpecError
from scnnbio.experiment import Experiment, Run, Study, load
from scnnbio.experiment.gradient import ByConversion
from scnnbio.network import Network

torch = pytest.importorskip("torch")

from scnnbio.conversion.module_training import (  # noqa: E402
    chain,
    converted_kernels,
    module_of,
)

FILE = Path(__file__).parents[2] / "experiments/digits_conversion.toml"


@pytest.fixture(scope="module")
def study() -> Study:
    return load(FILE, profile="tiny")


@pytest.fixture(scope="module")
def runs(study: Study) -> dict[str, Run]:
    trained = get("torch").run(study.experiments[0])
    converted = study.stages[1].ready({"module": trained})
    return {"module": trained, "converted": get("torch").run(converted)}


def test_the_kernels_are_the_modules_over_the_scales_of_its_layers(study: Study):
    # Rueckauer et al. 2017: W' = (scale before / scale) W.
    network = study.experiments[0].network
    module = module_of(network, "sums", levels=8, threshold=0.7)
    module[3].threshold.data = torch.tensor(1.3)
    images = np.random.default_rng(1).random((5, 1, 8, 8))
    kernels, scales = converted_kernels(network, "sums", module, images)
    assert scales == pytest.approx({"one": 0.7, "two": 1.3, "sums": 1.0})
    for name, factor in (("retina_one", 1 / 0.7), ("one_two", 0.7 / 1.3), ("two_sums", 1.3)):
        np.testing.assert_allclose(
            kernels[name], factor * network.projection(name).kernel, rtol=1e-6
        )


def test_rates_of_the_network_are_the_modules_activations(runs: dict[str, Run]):
    # The module with thresholds of 1, in double precision, is torch's own computation.
    run = runs["converted"]
    module = module_of(run.experiment.network, "sums", levels=8, threshold=1.0).double()
    values = run.experiment.inputs["retina"].values  # type: ignore[attr-defined]
    with torch.no_grad():
        wanted = module(torch.from_numpy(values.astype(float))).argmax(1).numpy()
    found = module_answers(run, "sums", np.arange(len(values)))
    np.testing.assert_array_equal(found, wanted)


def test_many_steps_come_to_the_modules_sums(runs: dict[str, Run]):
    # 32 steps resolve 1/32; the module's 8 levels are not those of the spikes, so answers may
    # differ where two sums are close, and do not where they are not.
    run = runs["converted"]
    course = converted_course(run, "sums")
    assert course.steps.tolist() == [1, 2, 4, 8, 16, 32]
    assert abs(course.loss(32)) <= 0.1
    assert course.accuracy[-1].n == 20
    # By hand: the spikes of a layer in its first 4 steps with input, of which the second layer has
    # a connection less at the edges.
    spikes = run.recording.spikes
    counted = sum(
        ((spikes[name].time > depth + 0.5) & (spikes[name].time < depth + 4.5)).sum()
        for name, depth in (("one", 1), ("two", 2))
    )
    assert course.spikes[2] == pytest.approx(counted / 20)
    assert course.operations[2] > 0
    edges = [len(p.connector.edges().pre) for p in run.experiment.network.projections]
    assert course.multiplications == sum(edges)
    with pytest.raises(SpecError, match="shorter than 64 steps"):
        course.loss(64)


def test_training_names_more_digits_than_chance(runs: dict[str, Run]):
    told = runs["module"].provenance["training"]
    rows = told["epochs"]
    assert rows[told["chosen"]]["validation"] == max(row["validation"] for row in rows) > 0.5
    run = runs["converted"]
    answers = module_answers(run, "sums", np.arange(20))
    assert correct(answers, run.recording).value > 0.4


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"code": {"begins": "random"}}, r"does not fire at 1000 Hz times the value"),
        ({"code": {"max_rate": 500.0}}, r"does not fire at 1000 Hz times the value"),
        ({"code": {"gain": 500.0}}, r"does not fire at 1000 Hz times the value"),
    ],
)
def test_a_code_that_is_no_rate_is_refused(study: Study, change: dict[str, Any], said: str):
    stage = study.experiments[0]
    shown = stage.inputs["retina"]
    code = dataclasses.replace(shown.code, **change["code"])  # type: ignore[attr-defined]
    with pytest.raises(SpecError, match=said):
        dataclasses.replace(stage, inputs={"retina": dataclasses.replace(shown, code=code)})  # type: ignore[type-var]


def _replaced(network: Network, name: str, **changes: Any) -> Network:
    populations = tuple(
        dataclasses.replace(p, **changes) if p.name == name else p for p in network.populations
    )
    return dataclasses.replace(network, populations=populations)


def test_another_network_than_that_of_conversion_is_refused(study: Study):
    stage = study.experiments[0]
    begun_at_zero = _replaced(stage.network, "one", initial={"v": 0.0})
    module = module_of(begun_at_zero, "sums", levels=8)
    images = np.random.default_rng(1).random((5, 1, 8, 8))
    with pytest.raises(SpecError, match=r"population 'one'.*not the layer that conversion makes"):
        converted_kernels(begun_at_zero, "sums", module, images)


def test_a_network_that_is_no_chain_is_refused(study: Study):
    network = study.experiments[0].network
    first = network.projections[0]
    twice = Network(
        network.populations,
        (*network.projections, dataclasses.replace(first, name="again")),
    )
    with pytest.raises(SpecError, match="one layer after another"):
        chain(twice, "sums")
    with pytest.raises(SpecError, match="the last layer is 'sums', not 'two'"):
        chain(network, "two")


def test_elements_that_do_not_connect_are_refused(study: Study):
    network = study.experiments[0].network
    first = network.projections[0]
    kernel = np.array(first.kernel)
    kernel[0, 0, 0, 0] = 0.0
    fewer = dataclasses.replace(first.connector, kernel=kernel, connect_zeros=False)
    changed = Network(
        network.populations,
        (dataclasses.replace(first, connector=fewer), *network.projections[1:]),
    )
    with pytest.raises(SpecError, match=r"projection 'retina_one': elements of its kernel do not"):
        module_of(changed, "sums", levels=8)


@pytest.mark.parametrize("field", ["levels", "epochs", "batch", "learning_rate"])
def test_a_number_out_of_range_is_named(field: str):
    with pytest.raises(SpecError, match=f"training.{field}"):
        ByConversion("sums", **{field: 0})


def test_like_does_not_take_over_training(study: Study):
    stages: tuple[Experiment, ...] = study.experiments
    assert stages[0].training is not None
    assert stages[1].training is None
