"""Motifs of kernels and enriched words, held against planted ones and closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from scnnbio.analysis.motifs import (
    Ranked,
    enriched_words,
    information,
    matches,
    position_weights,
)
from scnnbio.encoding import LatencyCode
from scnnbio.errors import SpecError
from scnnbio.inputs import PlantedMotifs


def numbers(*words: str) -> np.ndarray:
    return np.array([["ACGT".index(base) for base in word] for word in words])


def test_a_match_allows_a_shift_and_one_other_base() -> None:
    motif = numbers("ACGTACGT")
    words = numbers(
        "TTACGTACGTGG",  # within the word
        "TTACGTTCGTGG",  # one base differs
        "TTACGATCGTGG",  # two differ
        "CGTACGTTTTTT",  # the first base is beyond the word, seven are equal
        "GTACGTTTTTTT",  # two are beyond
    )
    assert matches(words, motif)[:, 0].tolist() == [True, True, False, True, False]


def test_a_random_word_matches_by_chance_as_often_as_computed() -> None:
    # 5 shifts within the word have 1 + 8 * 3 words of at most one other base; at the 2 shifts by
    # one base over an end 7 bases have to be equal: (5 * 25 + 2 * 4) / 4**8, per motif.
    rng = np.random.default_rng(0)
    words, motifs = rng.integers(0, 4, (20_000, 12)), rng.integers(0, 4, (10, 8))
    expected = 10 * (5 * 25 + 2 * 4) / 4**8
    found = matches(words, motifs).any(axis=1).mean()
    assert found == pytest.approx(expected, abs=4 * np.sqrt(expected / 20_000))


def test_recall_at_a_precision_keeps_the_largest_set() -> None:
    right = np.zeros((21, 2), dtype=bool)
    right[:20, 0] = True
    right[3] = [False, False]  # 19 of the first 20 are right
    right[19] = [False, True]
    ranked = Ranked(np.zeros((21, 8), dtype=int), -np.arange(21.0), right)
    assert ranked.best(0.95) == (1.0, 20)
    assert ranked.best(1.0) == (0.5, 3)
    nothing = Ranked(np.zeros((1, 8), dtype=int), np.zeros(1), np.zeros((1, 2), dtype=bool))
    assert nothing.best() == (0.0, 0)


def test_information_of_columns_is_that_of_a_distribution() -> None:
    # 2 bits for one base, 1 for two, 0 for all four alike.
    kernel = np.array([[1, 0.5, 0.25], [0, 0.5, 0.25], [0, 0, 0.25], [0, 0, 0.25]])
    bits = information(position_weights(kernel[None, :, None]))
    assert bits[0] == pytest.approx([2.0, 1.0, 0.0], abs=0.04)
    with pytest.raises(SpecError, match="four channels"):
        position_weights(np.ones((3, 2, 1, 8)))


def test_enriched_words_are_those_planted() -> None:
    code = LatencyCode(50, 1.0, 1.0, "absolute")
    given = {"n": 300, "length": 50, "motifs": 3, "width": 6, "seed": 4}
    motifs = PlantedMotifs(code, **given)
    words, score = enriched_words(motifs.bases, 6)
    found = {"".join("ACGT"[base] for base in word) for word in words}
    assert set(motifs.consensus) <= found
    assert score.min() > np.log(4**6 / 0.05)
    shuffled, _ = enriched_words(PlantedMotifs(code, shuffled=True, **given).bases, 6)
    assert len(shuffled) == 0


def test_unknown_bases_are_part_of_no_word() -> None:
    bases = np.full((40, 12), -1, dtype=np.int8)
    bases[:, 2:8] = [0, 1, 2, 3, 0, 1]
    bases[:, 8:] = np.random.default_rng(0).integers(0, 4, (40, 4))
    words, _ = enriched_words(bases, 6)
    assert words[0].tolist() == [0, 1, 2, 3, 0, 1]
    with pytest.raises(SpecError, match="not from 1 to 10"):
        enriched_words(bases, 11)
