"""Training on new trials in each epoch: from which trials each one learns, and what is refused."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from scnnbio.errors import SpecError
from scnnbio.experiment import Experiment

torch = pytest.importorskip("torch")

from scnnbio.backends.torch import Training, train  # noqa: E402
from tests.backends.test_torch_training import pictures, small  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.slow
def test_the_same_trials_in_each_epoch_are_the_training_without_trials_of() -> None:
    training = Training(epochs=3, batch=32)
    asked: list[int] = []

    def again(epoch: int) -> Experiment:
        asked.append(epoch)
        return small()

    one = train(small(), "label", "out", training, validation=small(given=pictures(40, seed=5)))
    same = train(
        small(), "label", "out", training, validation=small(given=pictures(40, seed=5)),
        trials_of=again,
    )  # fmt: skip
    assert asked == [0, 1, 2]
    assert one.network == same.network
    kept = ["loss", "accuracy", "validation", "operations"]
    assert one.epochs[kept].equals(same.epochs[kept])


def test_each_epoch_learns_from_its_own_trials() -> None:
    """An epoch without steps of the weights, whose loss is that of its trials, computed apart."""
    case = small()
    kinds = [pictures(seed=k) for k in (3, 4)]
    fixed = Training(epochs=2, batch=30, learning_rate=1e-30, precision="double")
    found = train(case, "label", "out", fixed, trials_of=lambda k: small(given=kinds[k])).epochs
    alone = [train(small(given=one), "label", "out", fixed).epochs.loss[0] for one in kinds]
    assert found.loss.tolist() == pytest.approx(alone, rel=1e-12)
    assert abs(alone[0] - alone[1]) > 1e-3


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (lambda: small(n=100), "epoch 0 has 100 trials, and training has 120"),
        (lambda: small(given=dataclasses.replace(pictures(), duration=11.0)), "trial_duration"),
        (lambda: small(given=dataclasses.replace(pictures(), labels={})), "no column 'label'"),
        (pictures, "a FromImages is not an Experiment"),
    ],
)
def test_trials_of_an_epoch_that_do_not_fit_are_one_clear_error(given: Any, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        train(small(), "label", "out", Training(epochs=1), trials_of=lambda _: given())


def test_trials_of_their_own_need_a_column_of_labels() -> None:
    with pytest.raises(SpecError, match="trials_of has trials of its own; name the column"):
        train(small(), np.arange(120) % 4, "out", Training(epochs=1), trials_of=lambda _: small())
