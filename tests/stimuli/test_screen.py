"""Conditions on a screen: that each is shown as often as declared, in a seeded order."""

import dataclasses

import numpy as np
import pytest

from scnnbio.errors import SpecError
from scnnbio.stimuli import GratingPatches, MovingBars

RNG = np.random.default_rng(0)
PATCHES = GratingPatches(
    (0.0, 90.0), contrasts=(0.1, 0.5, 1.0), repeats=5, blanks=7, duration=50.0, seed=2
)


def rows(stimulus):
    table = stimulus.table()
    return list(zip(table["orientation"], table["contrast"], table["repeat"], strict=True))


def test_listed_conditions_repeat_slowest_and_blanks_come_last():
    table = dataclasses.replace(PATCHES, order="listed", repeats=2, blanks=2).table()
    assert table["orientation"][:12].tolist() == [0.0, 0.0, 0.0, 90.0, 90.0, 90.0] * 2
    assert table["contrast"].tolist() == [0.1, 0.5, 1.0] * 4 + [0.0, 0.0]
    assert table["repeat"].tolist() == [0] * 6 + [1] * 6 + [0, 1]
    assert np.isnan(table["orientation"][12:]).all()
    assert np.isnan(table["spatial_frequency"][12:]).all()


def test_random_order_has_the_same_trials_in_blocks():
    listed = dataclasses.replace(PATCHES, order="listed")
    key = lambda row: tuple(-1.0 if np.isnan(v) else float(v) for v in row)  # noqa: E731
    assert sorted(map(key, rows(PATCHES))) == sorted(map(key, rows(listed)))
    assert [*map(key, rows(PATCHES))] != [*map(key, rows(listed))]
    table = PATCHES.table()
    # Seven blanks over five blocks: two blocks with two of them.
    ends = np.cumsum([8, 8, 7, 7, 7])
    for repeat, (begin, end) in enumerate(zip(np.r_[0, ends[:-1]], ends, strict=True)):
        shown = ~np.isnan(table["orientation"][begin:end])
        assert shown.sum() == 6
        assert (table["repeat"][begin:end][shown] == repeat).all()


def test_order_follows_the_seed_alone():
    assert [*map(str, rows(PATCHES))] == [*map(str, rows(dataclasses.replace(PATCHES)))]
    other = dataclasses.replace(PATCHES, seed=3)
    assert [*map(str, rows(PATCHES))] != [*map(str, rows(other))]
    assert other != PATCHES


def test_a_trial_shows_its_row_of_the_table():
    # Of the amplitude that the row says, at bars of the row's orientation.
    table = PATCHES.table()
    for trial in range(PATCHES.n_trials):
        frames = PATCHES.frames(trial, (16, 16), RNG)
        assert frames.shape == (5, 16, 16)
        assert frames.std() == pytest.approx(table["contrast"][trial] / np.sqrt(2), rel=0.03)
        if table["orientation"][trial] == 0.0:
            assert np.ptp(frames, axis=2).max() < 1e-12
        elif table["orientation"][trial] == 90.0:
            assert np.ptp(frames, axis=1).max() < 1e-12


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"pixels_per_degree": 0.0}, "stimulus.pixels_per_degree"),
        ({"frame_rate": -1.0}, "stimulus.frame_rate"),
        ({"duration": 55.0}, "stimulus.duration"),
        ({"repeats": 0}, "stimulus.repeats"),
        ({"blanks": -1}, "stimulus.blanks"),
        ({"order": "shuffled"}, "stimulus.order"),
        ({"seed": -1}, "stimulus.seed"),
        ({"seed": 0.5}, "stimulus.seed"),
    ],
)
@pytest.mark.parametrize("kind", [GratingPatches, MovingBars])
def test_wrong_screens_are_refused(kind, change, where):
    with pytest.raises(SpecError) as caught:
        kind(**change)
    assert caught.value.where == where
