"""Curves of learning, against the definition."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from scnnbio.errors import SpecError
from scnnbio.figures.learning import learning_curve


def test_change_is_the_mean_size_of_differences_in_100_trials(synthetic):
    recording = synthetic.learning()
    final = synthetic.kernel()
    axes = learning_curve(recording, kernel="lgn_v1", final=final).axes[0]
    values = [*recording.snapshots["lgn_v1"].values, final]
    wanted = [5.0 * np.abs(b - a).mean() for a, b in itertools.pairwise(values)]
    np.testing.assert_allclose(axes.lines[0].get_ydata(), wanted)  # 20 trials apart
    assert axes.lines[0].get_xdata().tolist() == [20.0, 40.0, 60.0]


def test_selectivity_ends_where_the_kernels_measures_are(synthetic, measures):
    recording = synthetic.learning()
    axes = learning_curve(recording, kernel="lgn_v1", final=synthetic.kernel()).axes[1]
    assert axes.lines[0].get_ydata()[-1] == pytest.approx(np.nanmean(measures.circular_variance))
    assert axes.get_ylim() == (0.0, 1.0)


def test_thresholds_are_those_recorded(synthetic):
    axes = learning_curve(synthetic.learning(), kernel="lgn_v1", threshold="v1").axes[2]
    assert axes.lines[0].get_ydata().tolist() == [-53.0, -52.0, -51.0]
    assert axes.get_ylabel() == "threshold (mV)"
    assert axes.get_xlabel() == "trials shown"


def test_without_thresholds_their_panel_is_left_out(synthetic):
    assert len(learning_curve(synthetic.learning(), kernel="lgn_v1", threshold="other").axes) == 2


def test_one_snapshot_is_no_course(synthetic):
    with pytest.raises(SpecError, match="needs two"):
        learning_curve(synthetic.learning(), kernel="other")
