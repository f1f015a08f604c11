"""Frames as sums of pictures, and the numbers of conditions, against the frames themselves."""

import numpy as np
import pytest

from scnnbio.encoding import LGN
from scnnbio.stimuli import (
    FullField,
    GratingPatches,
    Gratings,
    MovingBars,
    Photographs,
    SparseNoise,
    WhiteNoise,
)

SHAPE = (31, 29)
GRATINGS = [
    Gratings((30.0,), (0.1,), (0.0, 4.0), (0.3, 1.0), (0.0, 90.0), repeats=2, blanks=1),
    GratingPatches(
        (20.0, 90.0), (2.0,), (4.0,), (0.5,), (40.0,), (1.2,), (0.3,), 0.1, (0.0, 0.5),
        duration=200.0, repeats=2, blanks=2,
    ),
    GratingPatches((20.0,), motion="counterphase", duration=200.0, center=(0.1, -0.2)),
    GratingPatches((20.0, 45.0), temporal_frequencies=(0.0,), repeats=2),
]  # fmt: skip


def nothing_drawn():
    """A generator of which nothing may be drawn."""
    return


@pytest.mark.parametrize("stimulus", GRATINGS, ids=lambda s: s.kind)
def test_the_sum_is_the_frames(stimulus):
    for trial in range(stimulus.n_trials):
        frames = stimulus.frames(trial, SHAPE, nothing_drawn())
        strengths, pictures = stimulus.separated(trial, SHAPE)
        total = np.einsum("tk,kyx->tyx", strengths, pictures)
        np.testing.assert_allclose(total, frames, rtol=0, atol=1e-13)


@pytest.mark.parametrize("stimulus", GRATINGS, ids=lambda s: s.kind)
@pytest.mark.parametrize(
    "lgn",
    [
        LGN(0.9, 1.2, 2.0, 0.05),
        LGN(0.9, 1.2, 2.0, 0.05, rectified=False),
        LGN(0.9, 1.2, normalisation_sigma=0.0),
        LGN(0.9, 1.2, 2.0, 1e-9),
    ],
    ids=["divided", "signed", "linear", "tiny c50"],
)
def test_filtered_pictures_are_the_filtered_frames(stimulus, lgn):
    for trial in range(stimulus.n_trials):
        drive = lgn.drive(stimulus.frames(trial, SHAPE, nothing_drawn()))
        ours = lgn.drive_of(stimulus.separated(trial, SHAPE))
        np.testing.assert_allclose(ours, drive, rtol=1e-9, atol=1e-12)
        # What is 0 but for rounding is 0 in both: a silent cell must stay silent.
        np.testing.assert_array_equal(ours > 0, drive > 0)


@pytest.mark.parametrize(
    "stimulus",
    [
        *GRATINGS,
        FullField((0.0, 0.2), 0.5, (2.0, 4.0), repeats=3, duration=100.0),
        MovingBars(repeats=2, blanks=1, duration=200.0),
        SparseNoise(sequences=2, repeats=2, duration=200.0),
    ],
    ids=lambda s: s.kind,
)
def test_trials_of_one_condition_show_the_same(stimulus):
    shown = {}
    for trial in range(stimulus.n_trials):
        frames = stimulus.frames(trial, SHAPE, nothing_drawn())
        first = shown.setdefault(stimulus.condition(trial), frames)
        np.testing.assert_array_equal(frames, first)
    assert len(shown) < stimulus.n_trials or stimulus.repeats == 1
    # Different conditions differ in the table, so that no repeat is missed.
    table = {name: column for name, column in stimulus.table().items() if name != "repeat"}
    rows = list(zip(*(np.nan_to_num(c, nan=-1).tolist() for c in table.values()), strict=True))
    assert len(set(rows)) == len(shown)


@pytest.mark.parametrize("stimulus", [Photographs("white-noise"), WhiteNoise()])
def test_what_is_drawn_anew_has_no_condition(stimulus):
    assert stimulus.condition(0) is None
    assert stimulus.separated(0, SHAPE) is None
