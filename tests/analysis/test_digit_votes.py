"""Answers of a population and their accuracy, counted by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from scnnbio.analysis.digit_votes import correct, judging, spikes_per_neuron
from scnnbio.analysis.readout import Accuracy
from scnnbio.errors import SpecError
from scnnbio.recording import Recording, Spikes

#: Four trials of two classes; the last two judge.
RECORDING = Recording(
    {"out": Spikes([1.0, 1.0, 2.0, 1.0], [0, 2, 2, 3], [0, 1, 1, 3])},
    {"out": (2, 2, 1)},
    {
        "duration": [5.0] * 4,
        "label": [0, 1, 1, 1],
        "part": ["train", "validation", "test", "test"],
    },
)


def test_only_the_test_part_judges() -> None:
    assert judging(RECORDING).tolist() == [False, False, True, True]
    assert correct(np.array([1, 0, 0, 1]), RECORDING) == Accuracy(1, 2)


def test_without_parts_all_trials_judge() -> None:
    rest = {name: rows for name, rows in RECORDING.trials.items() if name != "part"}
    whole = dataclasses.replace(RECORDING, trials=rest)
    assert correct(np.array([0, 1, 0, 1]), whole) == Accuracy(3, 4)


def test_a_recording_without_a_test_part_is_refused() -> None:
    shown = dataclasses.replace(RECORDING, trials={**RECORDING.trials, "part": ["train"] * 4})
    with pytest.raises(SpecError, match="no trial has 'test'"):
        judging(shown)


def test_spikes_are_per_neuron_and_trial() -> None:
    assert spikes_per_neuron(RECORDING) == {"out": 4 / (4 * 4)}
