"""The convergence figure shows the errors it was given."""

from __future__ import annotations

import numpy as np
import pytest

from scnnbio.analysis.convergence import Convergence
from scnnbio.errors import SpecError
from scnnbio.figures.convergence import convergence_figure

DT = np.array([0.4, 0.2, 0.1])


def _found(name: str) -> Convergence:
    # Errors of half a step, so the order is 1 by construction.
    return Convergence(name, DT, 10, DT / 2, DT, np.array([0.8, 0.9, 1.0]))


def test_errors_counts_and_the_order_are_those_given():
    axes = convergence_figure([_found("v1")], {0.4: 1e-13, 0.1: 1e-12}).axes
    np.testing.assert_allclose(axes[0].lines[0].get_ydata(), DT / 2)
    assert "order 1.00" in axes[0].lines[0].get_label()
    np.testing.assert_allclose(axes[1].lines[0].get_ydata(), [0.8, 0.9, 1.0])
    np.testing.assert_allclose(axes[2].lines[0].get_ydata(), [1e-12, 1e-13])
    assert all("(m" in a.get_ylabel() for a in (axes[0], axes[2]))


def test_the_last_panel_is_left_out_without_states_and_no_population_is_refused():
    assert len(convergence_figure([_found("v1"), _found("v2")]).axes) == 2
    with pytest.raises(SpecError, match="one to five"):
        convergence_figure([])
