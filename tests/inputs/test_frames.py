"""Spikes of frames are the same however many trials are drawn at once, and whatever is kept."""

import dataclasses

import numpy as np
import pytest

from scnnbio.encoding import LGN, Encoding, LatencyCode, Pixels, PoissonCode
from scnnbio.inputs import Draw, FromFrames, frames
from scnnbio.inputs.kept import Kept, Shown
from scnnbio.stimuli import Gratings, Photographs
from scnnbio.stimuli.base import Files

GRATINGS = Gratings((0.0, 60.0), (0.1,), 4.0, repeats=3, blanks=2, duration=100.0)
POISSON = PoissonCode(200.0, 200.0, 5.0)
PATCHES = Photographs(n_trials=9, duration=30.0, zoom=(1.0, 1.5))


def spikes(given, trials):
    draws = [Draw((2, 6, 5), 1.0, rng, rng) for rng in map(np.random.default_rng, trials)]
    return given.spikes_of(trials, draws)


def assert_same(one, other):
    for ours, theirs in zip(one, other, strict=True):
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(a, b, strict=True)


@pytest.mark.parametrize("spread", [0.0, 0.3])
@pytest.mark.parametrize(
    "code",
    [POISSON, LatencyCode(7), LatencyCode(7, spacing="rank"), LatencyCode(50, spacing="absolute")],
)
@pytest.mark.parametrize("lgn", [LGN(), Pixels()])
def test_photographs_drawn_together(code, lgn, spread):
    given = FromFrames(PATCHES, Encoding(lgn, code, spread))
    together = spikes(given, range(9))
    assert_same(together, [spikes(given, [k])[0] for k in range(9)])
    assert_same(together[2:5], spikes(given, [2, 3, 4]))
    assert sum(len(step) for step, _ in together) > 9


@pytest.mark.parametrize("again", [{"min_contrast": 0.5}, {"images": "white-noise"}])
def test_photographs_that_are_not_drawn_together(again):
    given = FromFrames(dataclasses.replace(PATCHES, **again), Encoding(LGN(), LatencyCode(7)))
    assert_same(spikes(given, range(4)), [spikes(given, [k])[0] for k in range(4)])


@pytest.mark.parametrize("code", [POISSON, LatencyCode(20, 20.0)])
@pytest.mark.parametrize("spread", [0.0, 0.3])
def test_spikes_do_not_depend_on_what_is_kept(monkeypatch, code, spread):
    given = FromFrames(GRATINGS, Encoding(LGN(), code, spread))
    found = []
    for most in (0, 20_000, 10**9):
        monkeypatch.setattr(frames, "KEPT", Kept(most))
        found.append(spikes(given, range(GRATINGS.n_trials)))
        found.append(spikes(given, range(GRATINGS.n_trials)))
    for other in found[1:]:
        assert_same(found[0], other)
    # As the encoding draws them from the frames, which are not a sum of pictures there.
    side = 2 * given.encoding.margin
    for trial in range(GRATINGS.n_trials):
        rng = np.random.default_rng(trial)
        shown = GRATINGS.frames(trial, (6 + side, 5 + side), rng)
        assert_same([found[0][trial]], [given.encoding.spikes(shown, 100.0, 1.0, rng)])


def test_a_condition_is_prepared_once(monkeypatch):
    kept = Kept()
    monkeypatch.setattr(frames, "KEPT", kept)
    prepared = []
    whole = FromFrames._prepared
    monkeypatch.setattr(
        FromFrames, "_prepared", lambda *args: prepared.append(args[1]) or whole(*args)
    )
    for _ in range(2):  # an equal input of another stage finds the same
        spikes(FromFrames(GRATINGS, Encoding(LGN(), POISSON)), range(GRATINGS.n_trials))
    assert prepared == [0, 1, 6]  # two gratings and the blank


def test_what_is_kept_is_bounded():
    kept = Kept(most=10)
    one, other = (Shown(name, "", Files(), (2, 1, 1), 1.0) for name in "ab")

    def asked(shown, condition, size):
        calls = []
        kept.of(shown, condition, lambda: calls.append(0) or (None, size))
        return len(calls)

    assert [asked(one, 0, 6), asked(one, 0, 6)] == [1, 0]
    assert [asked(one, 1, 6), asked(one, 1, 6)] == [1, 1]  # no room: prepared each time
    assert asked(one, 0, 6) == 0  # and what was there stays
    assert [asked(other, 0, 6), asked(other, 0, 6)] == [1, 0]  # another stimulus takes the room
    assert asked(one, 0, 6) == 1
