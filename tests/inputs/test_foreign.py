"""Spikes and frames of classes that are not scnnbio's own are checked before they are used."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from scnnbio.encoding import Code, LatencyCode
from scnnbio.errors import SpecError
from scnnbio.inputs.base import Draw
from scnnbio.inputs.foreign import checked_frames, checked_spikes
from scnnbio.stimuli import WhiteNoise

#: Ten neurons, and trials of twenty steps.
DRAW = Draw((1, 2, 5), 0.5, np.random.default_rng(0), np.random.default_rng(0))


class Odd(Code):
    def spikes(self, *request: Any) -> Any:
        raise NotImplementedError


def trial(step: Any, unit: Any) -> Any:
    return np.array(step, dtype=np.int32), np.array(unit, dtype=np.int32)


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (trial([0, 3], [1, 1]), "steps reach from 0 to 3, not from 1 to 20"),
        (trial([1, 21], [1, 1]), "steps reach from 1 to 21, not from 1 to 20"),
        (trial([1, 2], [0, 10]), "units reach from 0 to 10, and there are 10 neurons"),
        (trial([1, 2], [-1, 1]), "units reach from -1 to 1"),
        (trial([3, 2], [1, 1]), "not sorted by step"),
        (trial([2, 2], [4, 1]), "not sorted by step, then unit"),
        (trial([2, 2], [4, 4]), "each pair once"),
        (trial([1, 2], [4]), "not two arrays of equally many whole numbers"),
        ((np.array([1.0]), np.array([1])), "not two arrays of equally many whole numbers"),
        (([1], [1]), "not two arrays"),
    ],
)
def test_wrong_spikes_are_refused(found: Any, told: str) -> None:
    with pytest.raises(SpecError, match=f"Odd drew spikes that cannot be used: .*{told}"):
        checked_spikes(found, Odd(), 10.0, DRAW)
    assert checked_spikes(found, LatencyCode(), 10.0, DRAW) is found


def test_right_spikes_pass() -> None:
    for found in (trial([], []), trial([1, 1, 20], [0, 9, 9])):
        assert checked_spikes(found, Odd(), "10 ms", DRAW) is found


@pytest.mark.parametrize(
    ("frames", "told"),
    [
        (np.zeros((3, 4, 6)), r"of shape \(3, 4, 6\), not \(frames, 4, 5\)"),
        (np.zeros((0, 4, 5)), r"of shape \(0, 4, 5\)"),
        (np.zeros((4, 5)), r"of shape \(4, 5\)"),
        (np.full((1, 4, 5), np.nan), "not finite numbers"),
        (np.zeros((1, 4, 5), complex), "not finite numbers"),
        ([[[0.0]]], r"of shape \(1, 1, 1\)"),
    ],
)
def test_wrong_frames_are_refused(frames: Any, told: str) -> None:
    with pytest.raises(SpecError, match=f"stimulus: Odd drew frames that are {told}"):
        checked_frames(frames, (4, 5), Odd())
    assert checked_frames(frames, (4, 5), WhiteNoise()) is frames
