"""What the figures of a converted network draw."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

from scnnbio.conversion import LayerRates
from scnnbio.figures.conversion import conversion_figure, rates_figure


def test_rates_are_drawn_against_activations_with_the_error() -> None:
    activation = np.array([[0.0, 1.0], [2.0, 3.0]])
    layers = [LayerRates("one", activation, activation + 0.1, 0.0, 0.0)] * 5
    # 0.1 of the root of (0 + 1 + 4 + 9)/4.
    assert layers[0].error == pytest.approx(0.1 / np.sqrt(3.5))
    figure = rates_figure(layers)
    assert len(figure.axes) == 5
    points = figure.axes[4].lines[0].get_xydata()
    np.testing.assert_allclose(points, [[0, 0.1], [1, 1.1], [2, 2.1], [3, 3.1]])
    assert figure.axes[0].get_title("left") == "one: error 5.3%"


def test_errors_spikes_and_operations_are_drawn_against_steps() -> None:
    steps = np.array([1, 2, 4])
    figure = conversion_figure(
        steps, np.array([0.5, 0.9, 0.99]), steps * 10.0, steps * 100.0,
        module_accuracy=0.995, multiplications=1000, tested=100,
    )  # fmt: skip
    errors, spikes, operations = figure.axes
    np.testing.assert_allclose(errors.lines[0].get_ydata(), [50.0, 10.0, 1.0])
    assert any(np.allclose(line.get_ydata(), 0.5) for line in errors.lines)
    np.testing.assert_allclose(spikes.lines[0].get_ydata(), steps * 10)
    np.testing.assert_allclose(operations.lines[1].get_ydata(), 1000)
