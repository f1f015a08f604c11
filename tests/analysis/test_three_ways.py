"""The table of several seeds of three_ways."""

from __future__ import annotations

import numpy as np

from analysis.three_ways_seeds import table
from scnnbio.figures.three_ways import TITLES, WAYS
from scnnbio.validation.nearness import Nearness


def compared(claim: str, distances: tuple[float, float, float], nearest: int | None) -> Nearness:
    chance = np.full(3, 1 / 3) if nearest is None else np.eye(3)[nearest]
    away = np.array(distances)
    return Nearness(claim, WAYS, away, away, away, chance, np.full(3, 32), 20)


def test_it_has_means_ranges_and_how_often_each_way_is_nearest() -> None:
    runs = [
        [compared("evoked_rate", (1.0, 4.0, 9.0), 0), compared("isi_cv", (0.1, 0.2, 0.3), 0)],
        [compared("evoked_rate", (2.0, 4.5, 7.0), None)],
        [compared("evoked_rate", (6.0, 5.0, 8.0), None)],
    ]
    head, *rows = table(runs)
    assert head == ["", "stdp", "conversion", "surrogate", "nearest, of 3 seeds"]
    assert [row[0] for row in rows] == list(TITLES.values())
    of = {row[0]: row[1:] for row in rows}
    assert of[TITLES["evoked_rate"]] == [
        "3.00 (1.00 to 6.00)", "4.50 (4.00 to 5.00)", "8.00 (7.00 to 9.00)", "none in 2, stdp in 1",
    ]  # fmt: skip
    assert of[TITLES["isi_cv"]][-1] == "stdp in 1; judged in 1"
    assert of[TITLES["fano_factor"]] == ["", "", "", "judged in none"]
