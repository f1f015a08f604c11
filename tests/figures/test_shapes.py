"""n_x and n_y over the published histogram, read back from the artists."""

from __future__ import annotations

import numpy as np
import pytest

from scnnbio.errors import SpecError
from scnnbio.figures.shapes import shape_scatter

EDGES = [-1.0, -0.5, 0.0]
COUNTS = [[3, 1], [0, 2]]


def test_cells_and_counts_are_those_given():
    n_x, n_y = np.array([0.2, 0.5, 0.05]), np.array([0.4, 0.9, 0.3])
    figure = shape_scatter(n_x, n_y, COUNTS, EDGES, excluded=4, distance=0.31, limit=0.2)
    axes = figure.axes[0]
    (cells,) = [line for line in axes.lines if line.get_gid() == "cells"]
    np.testing.assert_allclose(cells.get_xdata(), [0.2, 0.5])
    np.testing.assert_allclose(cells.get_ydata(), [0.4, 0.9])
    # n_x across and n_y up: the mesh is the transposed table.
    np.testing.assert_array_equal(axes.collections[0].get_array().ravel(), [3, 0, 1, 2])
    assert sorted(t.get_text() for t in axes.texts) == ["1", "2", "3"]
    legend = " ".join(t.get_text() for t in figure.legends[0].get_texts())
    for part in (
        "n = 3, 4 excluded",
        "n = 6",
        "outside the bins (n = 1)",
        "0.31",
        "chance limit 0.20",
    ):
        assert part in legend


def test_axes_are_logarithmic_over_the_bins_and_named():
    axes = shape_scatter([0.2], [0.3], COUNTS, EDGES).axes[0]
    assert axes.get_xscale() == axes.get_yscale() == "log"
    np.testing.assert_allclose(axes.get_xlim(), (0.1, 1.0))
    assert "(cycles)" in axes.get_xlabel()
    assert "(cycles)" in axes.get_ylabel()


def test_margins_are_shares_of_all_cells():
    figure = shape_scatter([0.2, 0.2, 0.5, 0.05], [0.2, 0.2, 0.2, 0.2], COUNTS, EDGES)
    model = figure.axes[1].patches[1].get_data().values
    np.testing.assert_allclose(model, [0.5, 0.25])  # of four, one is outside


def test_no_cell_is_an_empty_figure():
    figure = shape_scatter([], [], COUNTS, EDGES)
    assert "n = 0" in figure.legends[0].get_texts()[0].get_text()


def test_wrong_input_is_refused():
    with pytest.raises(SpecError, match="positive"):
        shape_scatter([np.nan], [0.3], COUNTS, EDGES)
    with pytest.raises(SpecError, match="fit together"):
        shape_scatter([0.3], [0.3, 0.2], COUNTS, EDGES)


def test_no_number_of_a_bin_lies_on_a_cell():
    # A cell in the corner where the number stood, and others that leave the lower right free.
    edges = np.linspace(-1.0, 1.0, 3)
    corner = 10.0 ** np.array([[-0.9, -0.1], [-0.5, -0.5], [-0.9, -0.9], [-0.1, -0.1]])
    axes = shape_scatter(corner[:, 0], corner[:, 1], [[9, 0], [0, 0]], edges).axes[0]
    (number,) = axes.texts
    at = np.log10(number.get_position())
    np.testing.assert_allclose(at, [-0.16, -0.84], atol=1e-9)
    assert np.hypot(*(np.log10(corner) - at).T).min() > 0.3
