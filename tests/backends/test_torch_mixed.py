"""Gradients of 16 bits, against those of single precision."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from scnnbio.backends.torch import Training, train  # noqa: E402
from scnnbio.backends.torch.losses import cross_entropy, evidence  # noqa: E402
from scnnbio.backends.torch.training import Trainer  # noqa: E402
from tests.backends.test_torch_training import pictures, right, small  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")


def of(precision: str):
    """Spikes and gradients of one batch."""
    training = Training(precision=precision)
    learning = Trainer(small(), "label", "out", training, None)
    shown = learning.shown.at(np.arange(40))
    traced = learning.through(shown.trials, learning.learnables.bound())
    loss = cross_entropy(evidence(traced, "out", training), shown.labels)
    leaves = learning.learnables.leaves()
    return traced.spikes, torch.autograd.grad(loss, leaves)


def test_spikes_are_those_of_single_precision_and_gradients_nearly() -> None:
    """A factor with 8 bits is within 1 part in 256; sums average the errors."""
    spikes, wanted = of("single")
    same, found = of("mixed")
    for name in spikes:
        assert torch.equal(spikes[name], same[name]), name
    assert len(wanted) == 2
    for a, b in zip(wanted, found, strict=True):
        assert b.dtype == torch.float32
        assert not torch.equal(a, b)
        assert float((a - b).norm() / a.norm()) < 1 / 256


def test_it_learns_and_the_kept_network_does_the_same_elsewhere() -> None:
    held_out = small(given=pictures(60, seed=9))
    training = Training(epochs=12, batch=20, learning_rate=0.03, precision="mixed")
    trained = train(small(), "label", "out", training, validation=held_out)
    best = trained.epochs.validation[trained.chosen]
    assert best >= 0.85
    assert right(trained.network, "reference") == best
