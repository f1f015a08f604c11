"""The script that trains on handwritten digits, on a few made-up ones."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from scnnbio.network import Network

pytest.importorskip("torch")

SCRIPT = Path(__file__).parents[2] / "analysis" / "digits_surrogate.py"


def script():
    spec = importlib.util.spec_from_file_location("digits_surrogate", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_an_image_moves_by_a_pixel_at_most() -> None:
    image = np.zeros((200, 28, 28), np.uint8)
    image[:, 10, 20] = 9
    moved = script().shifted(image, np.random.default_rng(0))
    places = np.argwhere(moved)
    assert len(places) == 200
    assert {tuple(p) for p in places[:, 1:] - (10, 20)} == {
        (y, x) for y in (-1, 0, 1) for x in (-1, 0, 1)
    }


@pytest.mark.slow
def test_it_trains_chooses_tests_and_writes(tmp_path: Path) -> None:
    """Bars at ten heights, so plain that a few epochs tell some of them apart."""
    module = script()
    rng = np.random.default_rng(1)
    arrays = {}
    for name, n in {"train": 400 + module.VALIDATION, "test": 50}.items():
        label = rng.integers(0, 10, n)
        images = np.zeros((n, 28, 28), np.uint8)
        for row in range(2):
            images[np.arange(n), 3 + 2 * label + row] = 255
        arrays |= {f"x_{name}": images, f"y_{name}": label.astype(np.uint8)}
    np.savez(tmp_path / "digits.npz", **arrays)
    words = [str(tmp_path / "out"), "--data", str(tmp_path / "digits.npz")]
    words += ["--epochs", "6", "--threads", "1"]
    words += ["--maps", "4", "8", "--tested", "50", "--images", "400", "--judge", "torch", "brian2"]
    result = module.main(words)
    assert result["test"]["torch"] == result["test"]["brian2"] > 0.2
    net = Network.load(tmp_path / "out" / "network.npz")
    assert not net.learns
    assert json.loads((tmp_path / "out" / "result.json").read_text())["chosen"] in range(6)
    assert {p.name for p in (tmp_path / "out").glob("*.csv")} == {
        "epochs.csv", "layers.csv", "weights.csv",
    }  # fmt: skip
