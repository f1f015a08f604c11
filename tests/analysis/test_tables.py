"""Labelled tables, on recordings whose counts and times are chosen so that each value is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from scnnbio import analysis
from scnnbio.analysis.gabor import gabor
from scnnbio.errors import SpecError
from scnnbio.recording import Recording, Spikes

SECOND = 1000.0


def recorded(counts: Sequence[Sequence[int]], trials: Mapping[str, Sequence[float]]) -> Recording:
    """One row per trial of 1 s, one column per unit; spikes in equal steps."""
    table = np.asarray(counts)
    rows = [
        (SECOND * (k + 1) / (n + 1), unit, trial)
        for (trial, unit), n in np.ndenumerate(table)
        for k in range(n)
    ]
    time, unit, trial = zip(*rows, strict=True)
    spikes = {"v1": Spikes(time, unit, trial)}
    columns = {name: np.asarray(values) for name, values in trials.items()}
    duration = np.full(len(table), SECOND)
    return Recording(spikes, {"v1": (table.shape[1], 1, 1)}, {"duration": duration, **columns})


FOUR = [0.0, 45.0, 90.0, 135.0]


def test_every_table_says_where_a_unit_stands() -> None:
    spikes = {"v1": Spikes([5.0], [5], [0])}
    recording = Recording(spikes, {"v1": (2, 1, 3)}, {"duration": [100.0]})
    table = analysis.firing_rates(recording, "v1")
    assert table.index.name == "unit"
    assert table.loc[5, ["channel", "row", "column"]].tolist() == [1, 0, 2]
    assert table["rate_hz"].tolist() == [0.0] * 5 + [10.0]
    assert table["n_spikes"].dtype.kind == "i"


def test_rates_are_over_the_time_that_was_recorded() -> None:
    spikes = {"v1": Spikes([5.0, 60.0, 80.0], [0, 0, 0], [0, 0, 1])}
    recording = Recording(spikes, {"v1": 1}, {"duration": [100.0, 300.0]})
    assert analysis.firing_rates(recording, "v1")["rate_hz"].tolist() == [7.5]
    # Two spikes in twice 50 ms.
    windowed = analysis.firing_rates(recording, "v1", window=("50 ms", "0.1 s"))
    assert windowed["rate_hz"].tolist() == [20.0]
    with pytest.raises(SpecError, match=r"firing_rates\.window"):
        analysis.firing_rates(recording, "v1", window=(0.0, 200.0))


def test_condition_rates_have_a_column_for_each_condition() -> None:
    trials = {"orientation": [0, 0, 90, 90, np.nan], "contrast": [0.5, 1.0, 0.5, 1.0, 0.0]}
    recording = recorded([[1, 5], [2, 6], [3, 7], [4, 8], [9, 9]], trials)
    table = analysis.condition_rates(recording, "v1")
    assert table.columns.names == ["orientation_deg", "contrast"]
    assert table.index.name == "unit"
    assert table.loc[1, (90.0, 0.5)] == 7.0
    assert table.to_numpy().tolist() == [[1, 2, 3, 4], [5, 6, 7, 8]]
    # By one column alone, the other is averaged over.
    alone = analysis.condition_rates(recording, "v1", by=["orientation"], window=("0 s", "1 s"))
    assert alone.T[0].tolist() == [1.5, 3.5]
    with pytest.raises(SpecError, match="no column 'orientaton'; did you mean 'orientation'"):
        analysis.condition_rates(recording, "v1", by=["orientaton"])


def test_orientation_tuning_of_known_curves() -> None:
    # One orientation alone; r = 10 (1 + cos 2 angle), whose circular variance is 1 - 1/2; all
    # alike; silent.
    curves = [[0, 6, 0, 0], [20, 10, 0, 10], [5, 5, 5, 5], [0, 0, 0, 0]]
    recording = recorded(np.transpose(curves), {"orientation": FOUR})
    table = analysis.orientation_tuning(recording, "v1")
    assert table["circular_variance"].round(12).tolist()[:3] == [0.0, 0.5, 1.0]
    assert table["preferred_orientation_deg"].round(9).tolist()[:2] == [45.0, 0.0]
    assert table["orientation_selectivity"].tolist()[:3] == [1.0, 1.0, 0.0]
    assert table["peak_rate_hz"].tolist() == [6.0, 20.0, 5.0, 0.0]
    assert table["n_trials"].tolist() == [4] * 4
    measures = ["circular_variance", "preferred_orientation_deg", "orientation_selectivity",
                "half_bandwidth_deg"]  # fmt: skip
    assert table.loc[3, measures].isna().all()


def test_half_bandwidth_of_a_raised_cosine() -> None:
    """Closed form: smoothing by (.4, 1, .4) leaves a cosine, of a smaller amplitude."""
    angles = np.arange(16) * 11.25
    counts = np.rint(1000 * (1 + np.cos(2 * np.deg2rad(angles - 45.0)))).astype(int)
    table = analysis.orientation_tuning(recorded(counts[:, None], {"orientation": angles}), "v1")
    amplitude = (1 + 0.8 * np.cos(2 * np.deg2rad(11.25))) / 1.8
    cosine = ((1 + amplitude) / np.sqrt(2) - 1) / amplitude
    expected = np.rad2deg(np.arccos(cosine)) / 2
    assert table.loc[0, "half_bandwidth_deg"] == pytest.approx(expected, abs=0.05)
    assert table.loc[0, "preferred_orientation_deg"] == pytest.approx(45.0, abs=0.01)


def test_each_unit_is_measured_at_its_best_of_what_else_was_varied() -> None:
    orientation = FOUR * 2 + [np.nan]
    frequency = [0.1] * 4 + [0.2] * 4 + [np.nan]
    contrast = [1.0] * 8 + [0.0]  # the last is a blank, at which both units fire most
    counts = [[4, 1], [0, 1], [0, 1], [0, 1], [1, 0], [1, 0], [1, 9], [1, 0], [50, 50]]
    trials = {"orientation": orientation, "spatial_frequency": frequency, "contrast": contrast}
    table = analysis.orientation_tuning(recorded(counts, trials), "v1")
    assert table["spatial_frequency"].tolist() == [0.1, 0.2]
    assert table["preferred_orientation_deg"].round(9).tolist() == [0.0, 90.0]
    assert table["circular_variance"].round(12).tolist() == [0.0, 0.0]
    assert table["peak_rate_hz"].tolist() == [4.0, 9.0]
    assert table["n_trials"].tolist() == [4, 4]
    assert "contrast" not in table


def test_curves_with_holes_and_orientations_without_orthogonal_ones() -> None:
    # At 0.2 one orientation is missing, which is what the second unit prefers.
    trials = {"orientation": FOUR + FOUR[:3], "spatial_frequency": [0.1] * 4 + [0.2] * 3}
    counts = [[5, 0], [0, 0], [0, 0], [0, 0], [0, 7], [0, 0], [0, 0]]
    table = analysis.orientation_tuning(recorded(counts, trials), "v1")
    assert table["circular_variance"].isna().tolist() == [False, True]
    assert table["half_bandwidth_deg"].isna().tolist() == [False, True]
    third = recorded([[3], [0], [0]], {"orientation": [0.0, 60.0, 120.0]})
    table = analysis.orientation_tuning(third, "v1")
    assert np.isnan(table.loc[0, "orientation_selectivity"])
    assert table.loc[0, "circular_variance"] == pytest.approx(0.0)


def test_direction_tuning_of_known_curves() -> None:
    # A grating of orientation o drifts towards o + 90.
    curves = [[0, 0, 0, 8], [6, 0, 6, 0], [9, 0, 3, 0], [0, 0, 0, 0]]
    recording = recorded(np.transpose(curves), {"orientation": [0.0, 90.0, 180.0, 270.0]})
    table = analysis.direction_tuning(recording, "v1")
    assert table["preferred_direction_deg"].tolist()[:3] == [0.0, 90.0, 90.0]
    assert table["direction_selectivity"].tolist()[:3] == [1.0, 0.0, 0.5]
    # abs(9 - 3) / (9 + 3) = 1/2.
    np.testing.assert_allclose(table["direction_circular_variance"][:3], [0.0, 1.0, 0.5])
    assert table.iloc[3][["preferred_direction_deg", "direction_selectivity"]].isna().all()
    half = recorded(np.transpose(curves), {"orientation": FOUR})
    with pytest.raises(SpecError, match="angles need one at 180 deg from each"):
        analysis.direction_tuning(half, "v1")


def test_spatial_frequency_tuning_of_known_curves() -> None:
    # From 10 at .1 to 4 an octave away, half is reached after (10 - 5) / (10 - 4) octaves.
    curves = [[4, 10, 4, 0], [10, 8, 2, 0], [0, 0, 0, 0]]
    trials = {"spatial_frequency": [0.05, 0.1, 0.2, 0.4]}
    table = analysis.spatial_frequency_tuning(recorded(np.transpose(curves), trials), "v1")
    assert table["preferred_spatial_frequency"].tolist()[:2] == [0.1, 0.05]
    assert table.loc[0, "low_cutoff"] == pytest.approx(0.1 * 2 ** (-5 / 6))
    assert table.loc[0, "high_cutoff"] == pytest.approx(0.1 * 2 ** (5 / 6))
    assert table.loc[0, "bandwidth_octaves"] == pytest.approx(5 / 3)
    # From 8 at .1 to 2 at .2: half of 10 after 3 of 6.
    assert table.loc[1, "high_cutoff"] == pytest.approx(0.1 * 2**0.5)
    assert np.isnan(table.loc[1, "low_cutoff"])
    assert np.isnan(table.loc[1, "bandwidth_octaves"])
    assert table.loc[2, ["preferred_spatial_frequency", "high_cutoff"]].isna().all()
    zero = recorded([[1], [2]], {"spatial_frequency": [0.0, 0.1]})
    with pytest.raises(SpecError, match="a spatial frequency of 0 has no logarithm"):
        analysis.spatial_frequency_tuning(zero, "v1")


@pytest.mark.parametrize("tuned", [analysis.orientation_tuning, analysis.spatial_frequency_tuning])
def test_a_recording_without_gratings_says_what_is_missing(tuned) -> None:
    with pytest.raises(SpecError, match="no column"):
        tuned(recorded([[1]], {}), "v1")
    words = {"orientation": np.array(["left"]), "spatial_frequency": np.array(["low"])}
    with pytest.raises(SpecError, match="is not a column of numbers"):
        tuned(recorded([[1]], words), "v1")
    empty = {"orientation": [np.nan], "spatial_frequency": [np.nan]}
    with pytest.raises(SpecError, match="no trial has"):
        tuned(recorded([[1]], empty), "v1")


def test_irregularity_is_of_the_best_condition_alone() -> None:
    # Alternating intervals of 5 and 15 ms: CV = 5/10, CV2 = 2 * 10/20, LV = 3 (10/20)^2.
    uneven = np.cumsum([5.0, 15.0] * 20)
    even = 20.0 * np.arange(1, 30)
    time = np.concatenate([uneven, even])
    trial = np.repeat([0, 1], [len(uneven), len(even)])
    spikes = {"v1": Spikes(time, np.zeros(len(time), int), trial)}
    trials = {"duration": [600.0, 600.0], "orientation": [0.0, 90.0]}
    recording = Recording(spikes, {"v1": 2}, trials)
    row = analysis.interval_irregularity(recording, "v1").loc[0]
    # 39 intervals, of which 20 are of 15 ms: sample moments to that.
    intervals = np.diff(uneven)
    assert row["cv"] == pytest.approx(intervals.std() / intervals.mean())
    assert row["cv"] == pytest.approx(0.5, abs=0.02)
    assert row["cv2"] == pytest.approx(1.0)
    assert row["lv"] == pytest.approx(0.75)
    assert row["n_intervals"] == 39
    other = analysis.interval_irregularity(recording.select(orientation=90.0), "v1").loc[0]
    assert other["cv"] == pytest.approx(0.0, abs=1e-9)
    assert analysis.interval_irregularity(recording, "v1").loc[1, ["cv", "cv2", "lv"]].isna().all()


def test_fano_factors_of_known_counts() -> None:
    # 8, 10, 12: variance 4 with n - 1, mean 10; 20 three times: 0. Their mean is 0.2.
    counts = [[8, 0], [10, 1], [12, 0], [20, 4], [20, 6], [20, 5]]
    recording = recorded(counts, {"orientation": [0, 0, 0, 90, 90, 90]})
    table = analysis.fano_factors(recording, "v1")
    assert table["fano_factor"].tolist() == pytest.approx([0.2, 1 / 5])
    assert table["n_conditions"].tolist() == [2, 1]
    many = analysis.fano_factors(recording, "v1", min_mean_count=15.0)
    assert many.loc[0, "fano_factor"] == 0.0
    assert np.isnan(many.loc[1, "fano_factor"])
    # All trials are one condition where nothing was varied.
    same = recorded([[8], [10], [12]], {"orientation": [0, 0, 0]})
    assert analysis.fano_factors(same, "v1").loc[0, "fano_factor"] == pytest.approx(0.4)


def test_correlations_have_a_row_for_each_pair() -> None:
    # Within a condition the first two units move together and the third against them; the first
    # two prefer opposite orientations.
    noise = np.tile([1, 2, 3, 4, 5], 2)
    orientation = np.repeat([0.0, 90.0], 5)
    first = noise + 10 * (orientation == 0)
    second = noise + 10 * (orientation == 90)
    third = 6 - noise + 10 * (orientation == 0)
    recording = recorded(np.stack([first, second, third], 1), {"orientation": orientation})
    noisy = analysis.noise_correlations(recording, "v1")
    assert noisy[["unit_1", "unit_2"]].to_numpy().tolist() == [[0, 1], [0, 2], [1, 2]]
    np.testing.assert_allclose(noisy["correlation"], [1.0, -1.0, -1.0])
    assert noisy["n_trials"].tolist() == [10] * 3
    assert analysis.noise_correlations(recording, "v1", min_trials=11)["correlation"].isna().all()
    signal = analysis.signal_correlations(recording, "v1", min_conditions=2)
    np.testing.assert_allclose(signal["correlation"], [-1.0, 1.0, -1.0])
    assert signal["n_conditions"].tolist() == [2] * 3


def test_kernel_shapes_of_a_gabor() -> None:
    image = gabor((15, 15), sigma_x=2.0, sigma_y=3.0, theta=30.0, frequency=0.15)
    kernel = np.stack([np.maximum(image, 0), np.maximum(-image, 0)])[None]
    table = analysis.kernel_shapes(np.concatenate([kernel, np.zeros_like(kernel)]))
    assert table.index.name == "map"
    assert table.loc[0, "theta_deg"] == pytest.approx(30.0, abs=0.1)
    assert table.loc[0, "sigma_y_pixels"] == pytest.approx(3.0, rel=1e-3)
    assert table.loc[0, "frequency_cycles_per_pixel"] == pytest.approx(0.15, rel=1e-3)
    assert table.loc[0, "n_x"] == pytest.approx(2.0 * 0.15, rel=2e-3)
    assert np.isnan(table.loc[1, "circular_variance"])
