"""The script that trains on handwritten digits, on a few made-up ones."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from scnnbio.inputs import Augmentation
from scnnbio.network import Network

pytest.importorskip("torch")

from analysis import digits_surrogate as script
from models.voting_digits import build


def test_each_epoch_shows_the_same_labels_with_images_moved_in_another_way() -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (30, 28, 28)).astype(np.uint8)
    net, part = build(maps=(2, 2)), (images, np.arange(30) % 10)
    ranges = Augmentation(shift=1.0, share=0.7)
    trials_of = script.moving(net, part, ranges, 3, script.Times(2.0, 6))
    first, second, again = (trials_of(k) for k in (0, 1, 0))
    assert first == again != second
    assert first.trial_steps == 6
    for one in (first, second):
        assert one.trial_table()["digit"].tolist() == (np.arange(30) % 10).tolist()
        same = (one.inputs["retina"].values[:, 0] == images).all((1, 2)).sum()
        assert 0 < same < 30


@pytest.mark.slow
def test_it_trains_chooses_tests_and_writes(tmp_path: Path) -> None:
    """Bars at ten heights, so plain that a few epochs tell some of them apart."""
    rng = np.random.default_rng(1)
    arrays = {}
    for name, n in {"train": 400 + script.VALIDATION, "test": 50}.items():
        label = rng.integers(0, 10, n)
        images = np.zeros((n, 28, 28), np.uint8)
        for row in range(2):
            images[np.arange(n), 3 + 2 * label + row] = 255
        arrays |= {f"x_{name}": images, f"y_{name}": label.astype(np.uint8)}
    np.savez(tmp_path / "digits.npz", **arrays)
    words = [str(tmp_path / "out"), "--data", str(tmp_path / "digits.npz")]
    words += ["--epochs", "6", "--threads", "1", "--scale", "0.05", "--moved", "0.5"]
    words += ["--maps", "4", "8", "--tested", "50", "--images", "400", "--judge", "torch", "brian2"]
    result = script.main(words)
    assert result["test"]["torch"] == result["test"]["brian2"] > 0.2
    net = Network.load(tmp_path / "out" / "network.npz")
    assert not net.learns
    assert json.loads((tmp_path / "out" / "result.json").read_text())["chosen"] in range(6)
    assert {p.name for p in (tmp_path / "out").glob("*.csv")} == {
        "epochs.csv", "layers.csv", "weights.csv",
    }  # fmt: skip
