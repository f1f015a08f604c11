"""Digits by conversion, as analysis/digits_conversion.py trains and shows them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
MNIST = ROOT.parent / "shared" / "data" / "mnist70k.npz"


def _judge(found: dict[str, Any]) -> None:
    """A module of 99.2 %, spikes within half a point in 8 steps, and within a tenth later."""
    curve = found["brian2-standalone"]
    by_steps = dict(zip(curve["steps"], curve["accuracy"], strict=True))
    assert found["module_accuracy"] >= 0.992
    assert by_steps[8] >= found["module_accuracy"] - 0.005
    assert by_steps[max(by_steps)] >= found["module_accuracy"] - 0.001


def test_the_kept_result_is_of_all_test_images_and_good() -> None:
    found = json.loads((ROOT / "analysis" / "digits_conversion.json").read_text(encoding="utf-8"))
    assert found["tested"] == 10_000
    _judge(found)


@pytest.mark.validate
def test_a_module_trained_anew_converts(tmp_path: Path) -> None:
    """Ten minutes of training, and a few for the first 1,000 test images."""
    pytest.importorskip("torch")
    if not MNIST.exists():
        pytest.skip(f"needs {MNIST}")
    from analysis.digits_conversion import main

    words = [str(MNIST), str(tmp_path), "--epochs", "5", "--seed", "2", "--tested", "1000"]
    _judge(main([*words, "--steps", "8", "16", "32"]))
