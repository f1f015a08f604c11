"""Claims on the direction of what circuits do, from the spikes of made recordings.

The experiments themselves run too short in the tests for a verdict: here every value is known by
construction, and a wrong sign anywhere from the spikes on gives the opposite verdict.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from scnnbio.recording import Recording, Spikes
from scnnbio.validation import CLAIMS, masking
from scnnbio.validation.protocol import Missing, Protocol
from scnnbio.validation.scores import Score

UNITS = 24


def recorded(times: dict[str, list[list[float]]], trials: dict[str, list[float]]) -> Recording:
    """Of each population the same spikes of every unit, given by trial."""
    spikes = {}
    for name, each in times.items():
        time = np.concatenate([np.tile(row, UNITS) for row in each])
        unit = np.concatenate([np.arange(UNITS).repeat(len(row)) for row in each])
        trial = np.arange(len(each)).repeat([UNITS * len(row) for row in each])
        spikes[name] = Spikes(time, unit, trial)
    table = {"duration": np.full(len(next(iter(trials.values()))), 1000.0)}
    table |= {name: np.array(column) for name, column in trials.items()}
    return Recording(spikes, dict.fromkeys(times, (UNITS, 1, 1)), table)


def evenly(counts: list[int]) -> list[list[float]]:
    """Spikes at equal intervals within a second, by trial: no modulation."""
    return [((np.arange(n) + 0.5) * 1000.0 / n).tolist() if n else [] for n in counts]


def both_ways(name: str, source: object, first: str, second: str) -> Score:
    """The score of two populations in the order of the claim; in the other it must disagree."""
    turned = CLAIMS[name].judge(source, population=(second, first))
    assert turned.verdict == "disagrees", turned.reason
    score = CLAIMS[name].judge(source, population=(first, second))
    assert score.verdict == "agrees", score.reason
    assert turned.value == pytest.approx(-score.value)  # type: ignore[operator]
    return score


def test_driven_vip_cells_raise_responses_and_free_them_from_the_surround() -> None:
    """By hand: 26 - 10 = 16 Hz at the largest diameter; (30 - 10)/30 - (32 - 26)/32 = 0.479."""
    rates = {"rest": [20, 30, 20, 10], "driven": [22, 32, 30, 26]}
    shown = {"diameter": [1.0, 2.0, 4.0, 8.0], "contrast": [1.0] * 4}
    recording = recorded(
        {name: evenly(counts) for name, counts in rates.items()},
        shown | {"temporal_frequency": [4.0] * 4},
    )
    assert both_ways("vip_disinhibits", recording, "rest", "driven").value == pytest.approx(16.0)
    freed = both_ways("vip_frees_surround", recording, "rest", "driven").value
    assert freed == pytest.approx(20 / 30 - 6 / 32)


def test_a_complex_cell_fires_alike_at_all_phases() -> None:
    """By hand: of 40, 20, 0 and 20 spikes the first harmonic is 20, as is the mean."""
    recording = recorded(
        {"simple": evenly([40, 20, 0, 20]), "complex": evenly([20] * 4)},
        {
            "phase": [0.0, 90.0, 180.0, 270.0],
            **{name: [0.0] * 4 for name in ("orientation", "temporal_frequency")},
            "contrast": [1.0] * 4,
        },
    )
    score = both_ways("phase_invariance", recording, "simple", "complex")
    assert score.value == pytest.approx(1.0)


def test_cells_are_modulated_by_drifting_gratings_or_are_not() -> None:
    """Spikes at one phase of the grating have F1/F0 = 2, and evenly spaced ones 0."""
    shown = {"temporal_frequency": [4.0] * 2, "orientation": [0.0] * 2, "contrast": [1.0] * 2}
    at_one_phase = [[250.0 * k + at for k in range(4) for at in (9.0, 10.0, 11.0)]]
    recording = recorded({"simple": at_one_phase * 2, "complex": evenly([24, 24])}, shown)
    for name, right, wrong in (
        ("simple_modulated", "simple", "complex"),
        ("complex_unmodulated", "complex", "simple"),
    ):
        assert CLAIMS[name].judge(recording, population=right).verdict == "agrees"
        assert CLAIMS[name].judge(recording, population=wrong).verdict == "disagrees"


def test_a_complex_cell_fires_at_more_positions_of_a_bar() -> None:
    """By hand: half of evenly spread spikes within 200 ms lie within 100 ms, 1 deg at 10 deg/s."""
    within = {"simple": 50.0, "complex": 200.0}
    times = {
        name: [np.linspace(500 - w / 2, 500 + w / 2, 21).tolist()] for name, w in within.items()
    }
    recording = recorded(times, {"direction": [0.0], "speed": [10.0]})
    score = both_ways("position_tolerance", recording, "simple", "complex")
    assert score.value == pytest.approx(1.0 - 0.25)


def test_a_mask_divides_or_subtracts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fits themselves are tested in tests/analysis/test_circuits.py."""
    curves = masking.MaskedCurves(
        np.array([0.5, 1.0]), np.full((UNITS, 2), 20.0), np.full((UNITS, 2), 10.0), np.zeros(UNITS)
    )
    recording = recorded({"v1": [[]]}, {"contrast": [1.0]})
    for divides in (True, False):
        shares = {"contrast gain": 0.9, "response gain": 0.8, "subtraction": 0.7}
        if not divides:
            shares |= {"contrast gain": 0.7, "subtraction": 0.9}
        squares = {name: np.full(UNITS, share) for name, share in shares.items()}
        fit = masking.MaskFit(squares, squares, np.ones(UNITS))
        monkeypatch.setattr(masking, "curves_and_fits", lambda _, fit=fit: (curves, fit))
        division, subtraction = (
            CLAIMS[name].judge(recording, population="v1")
            for name in ("mask_divides", "mask_subtracts")
        )
        assert (division.verdict, subtraction.verdict) == (
            ("agrees", "disagrees") if divides else ("disagrees", "agrees")
        )
        assert division.value == pytest.approx(0.2 if divides else -0.2)


def test_a_claim_needs_as_many_levels_as_its_protocol_says() -> None:
    """The number stood in the protocol, and nothing but the measures themselves held it."""
    recording = recorded(
        {"v1": evenly([20, 10, 20, 10])},
        {"orientation": [0.0, 90.0, 0.0, 90.0], "contrast": [1.0] * 4},
    )
    score = CLAIMS["ringach2002_circular_variance"].judge(recording, population="v1")
    assert score.verdict == "not applicable"
    assert "at 2 values of 'orientation' are fewer than the 4" in score.reason
    two = Protocol("gratings", ("orientation",), levels=2)
    assert two.chosen(recording).all()
    with pytest.raises(Missing, match="at 2 values of 'orientation' are fewer than the 3"):
        dataclasses.replace(two, levels=3).chosen(recording)
    # A level that is not shown at the highest contrast is none.
    uneven = dataclasses.replace(two, highest="contrast")
    with pytest.raises(Missing, match="at 1 values"):
        uneven.chosen(
            recorded({"v1": evenly([9, 9])}, {"orientation": [0.0, 90.0], "contrast": [1.0, 0.5]})
        )
