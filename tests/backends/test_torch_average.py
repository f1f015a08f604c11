"""Weights averaged over batches, against averages of trainings that stop earlier."""

from __future__ import annotations

import numpy as np
import pytest

from scnnbio.plasticity import SharedThreshold

torch = pytest.importorskip("torch")

from scnnbio.backends.torch import Training, train  # noqa: E402
from tests.backends.test_torch_training import pictures, right, small  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")


def test_the_kept_network_has_the_means_of_what_the_batches_left() -> None:
    """One batch per epoch, so that shorter trainings show the values after each batch.

    With a time constant of two batches, the mean is that of the first two, then half of itself and
    half of the third. Learning does not depend on the mean, or the shorter ones would differ.
    """
    case = small(hidden={"homeostasis": SharedThreshold(eta=0.1, target=20.0)})
    plain = {"batch": 120, "schedule": "constant", "precision": "double"}
    ends = [train(case, "label", "out", Training(epochs=k, **plain)).network for k in (1, 2, 3)]
    mean = train(case, "label", "out", Training(epochs=3, average=2, **plain)).network
    shares = np.array([0.25, 0.25, 0.5])
    for name in ("eye_one", "one_out"):
        each = np.array([end.projection(name).kernel for end in ends])
        assert np.ptp(each, axis=0).max() > 1e-3
        expected = np.tensordot(shares, each, 1)
        np.testing.assert_allclose(mean.projection(name).kernel, expected, rtol=1e-12, atol=1e-14)
    thresholds = [end.population("one").parameters["v_thresh"] for end in ends]
    assert np.ptp(np.array(thresholds), axis=0).max() > 1e-3
    found = mean.population("one").parameters["v_thresh"]
    np.testing.assert_allclose(found, np.tensordot(shares, np.array(thresholds), 1), rtol=1e-12)


def test_the_network_that_is_kept_is_the_one_that_was_validated() -> None:
    """Its share of right answers on the reference is the one in the table of epochs."""
    held_out = small(given=pictures(60, seed=9))
    training = Training(epochs=2, batch=20, average=12)
    trained = train(small(), "label", "out", training, validation=held_out)
    assert right(trained.network, "reference") == trained.epochs.validation[trained.chosen]
