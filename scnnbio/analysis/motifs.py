"""Motifs that kernels in one dimension have learned, and words that are enriched in sequences."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from scnnbio.errors import SpecError
from scnnbio.experiment import Run
from scnnbio.inputs.sequences import BASES, PlantedMotifs

Words = NDArray[np.int64]
#: Chance of one enriched word where there is none (Bonferroni over all words).
_LEVEL = 0.05
#: Bases by which a word may differ from a motif that it matches.
_DIFFERENT = 1
#: Longest word whose number of kinds, 4 to the power of its length, is counted in a table.
_LONGEST = 10


@dataclass(frozen=True, eq=False)
class Ranked:
    """Words that a method found, the surest first, beside the planted ones.

    Parameters
    ----------
    words : array of int (n, length)
        Bases, 0 to 3 for A, C, G and T.
    score : ndarray (n,)
        By which they are ranked, highest first.
    matches : array of bool (n, motifs)
        Which planted motifs each matches; see :func:`matches`.
    kernels : array of int (n,), optional
        Map of the kernel that each word is of.
    """

    words: Words
    score: NDArray[np.float64]
    matches: NDArray[np.bool_]
    kernels: NDArray[np.int64] | None = None

    def best(self, precision: float = 0.95) -> tuple[float, int]:
        """Recall at a precision, and how many words that takes.

        The first words are kept as long as at least ``precision`` of those kept match a planted
        motif; recall is the share of planted motifs that a kept word matches. Two words for one
        motif are no error.
        """
        right = np.asarray(self.matches.any(axis=1))
        share = np.cumsum(right) / np.arange(1, len(right) + 1)
        kept = int(np.flatnonzero(share >= precision).max(initial=-1)) + 1
        return float(self.matches[:kept].any(axis=0).mean()) if kept else 0.0, kept


def position_weights(kernel: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of each base in each column of kernels, a position-weight matrix.

    Parameters
    ----------
    kernel : ndarray (maps, 4, 1, columns)

    Returns
    -------
    ndarray (maps, 4, columns)
        At least 0.001 before the bases of a column are divided by their sum.

    Raises
    ------
    SpecError
        If the kernel has not four channels and one row.
    """
    if kernel.ndim != 4 or kernel.shape[1:3] != (len(BASES), 1):
        raise SpecError(
            f"a kernel of shape {kernel.shape} has not four channels and one row; motifs are"
            " those of A, C, G and T",
            where="position_weights.kernel",
        )
    weights = np.clip(kernel[:, :, 0], 1e-3, None)
    shares: NDArray[np.float64] = weights / weights.sum(axis=1, keepdims=True)
    return shares


def information(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Information of each column in bits, ``2 + sum p log2 p`` (maps, columns).

    Parameters
    ----------
    shares : ndarray (maps, 4, columns)
        Positive; see :func:`position_weights`.

    References
    ----------
    Schneider & Stephens 1990, Nucleic Acids Res 18:6097.
    """
    bits: NDArray[np.float64] = 2.0 + (shares * np.log2(shares)).sum(axis=1)
    return bits


def matches(words: Words, motifs: Words) -> NDArray[np.bool_]:
    """Which words match which motifs.

    A word is shifted along a motif, as motif comparison tools do (Gupta et al. 2007, Genome Biol
    8:R24). It matches if at one shift all bases of the motif but at most one are equal; bases
    beyond the word's end are not equal. A random word of 12 bases matches one of ten motifs of
    8 in 2 % of cases.

    Parameters
    ----------
    words : array of int (n, length)
    motifs : array of int (motifs, width)

    Returns
    -------
    array of bool (n, motifs)
    """
    width = motifs.shape[1]
    # -1 is no base.
    padded = np.pad(words, ((0, 0), (_DIFFERENT, _DIFFERENT)), constant_values=-1)
    if padded.shape[1] < width:
        return np.zeros((len(words), len(motifs)), dtype=bool)
    windows = sliding_window_view(padded, width, axis=1)
    equal = (windows[:, :, None] == motifs).sum(axis=-1)
    return np.asarray((equal >= width - _DIFFERENT).any(axis=1))


def learned_motifs(run: Run, projection: str) -> Ranked:
    """Kernels of a layer as words, ranked by the information of their columns.

    The word of a kernel has the heaviest base of each column. Its score is the largest information
    of as many neighbouring columns as a planted motif has.

    Parameters
    ----------
    run : Run
        Of one input of planted motifs.
    projection : str

    Returns
    -------
    Ranked

    Raises
    ------
    SpecError
        If the run has no planted motifs, or the kernel is none of bases.
    """
    motifs = planted(run)
    shares = position_weights(run.weights[projection])
    bits = information(shares)
    width = min(motifs.width, bits.shape[1])
    score = sliding_window_view(bits, width, axis=1).sum(axis=-1).max(axis=1)
    order = np.argsort(-score, kind="stable")
    words = shares.argmax(axis=1).astype(np.int64)[order]
    return Ranked(words, score[order], matches(words, _numbers(motifs)), order)


def enriched_motifs(run: Run) -> Ranked:
    """Words that more sequences of a run's input have than expected; see :func:`enriched_words`.

    Raises
    ------
    SpecError
        If the run has no planted motifs.
    """
    motifs = planted(run)
    words, score = enriched_words(motifs.bases, motifs.width)
    return Ranked(words, score, matches(words, _numbers(motifs)))


def enriched_words(bases: NDArray[np.int8], width: int) -> tuple[Words, NDArray[np.float64]]:
    """Enrichment of k-mers: words that more sequences have than independent bases would.

    The number of sequences with a word is compared with a binomial distribution, whose probability
    is that of the word among independent bases of the sequences' composition. The word of the
    smallest p-value is taken. All places that overlap with it, or with a word that differs
    from it in one base, are masked, and the rest is counted again. This ends where no word is
    significant at 5 % among all words.

    Parameters
    ----------
    bases : array of int (sequences, length)
        0 to 3; -1 is unknown.
    width : int
        From 1 to 10.

    Returns
    -------
    words : array of int (n, width)
    score : ndarray (n,)
        -ln p of each, the highest first as far as masking leaves it so.

    Raises
    ------
    SpecError
        If the width is out of range.
    """
    from scipy.stats import binom  # loaded when it is used

    if not 1 <= width <= min(_LONGEST, bases.shape[1]):
        raise SpecError(f"{width} is not from 1 to {_LONGEST} nor within a sequence", where="width")
    power = 4 ** np.arange(width)[::-1]
    kinds = np.arange(4**width)
    letters = kinds[:, None] // power % 4
    windows = sliding_window_view(bases.astype(np.int64), width, axis=1)
    codes, free = windows @ power, (windows >= 0).all(axis=-1)
    composition = np.bincount(bases[bases >= 0], minlength=4) / (bases >= 0).sum()
    once = composition[letters].prod(axis=1)
    expected = 1.0 - (1.0 - once) ** codes.shape[1]
    number = np.broadcast_to(np.arange(len(bases))[:, None], codes.shape)
    words: list[NDArray[np.int64]] = []
    score: list[float] = []
    while True:
        present = np.unique(number[free] * len(kinds) + codes[free]) % len(kinds)
        counts = np.bincount(present, minlength=len(kinds))
        log_p = binom.logsf(counts - 1, len(bases), expected)
        best = int(log_p.argmin())
        if log_p[best] + np.log(len(kinds)) > np.log(_LEVEL):
            break
        words.append(letters[best])
        score.append(-float(log_p[best]))
        near = (letters != letters[best]).sum(axis=1) <= _DIFFERENT
        free &= ~_beside(near[np.where(free, codes, best)] & free, width)
    return np.array(words, dtype=np.int64).reshape(-1, width), np.array(score)


def _beside(places: NDArray[np.bool_], width: int) -> NDArray[np.bool_]:
    """Places whose words overlap with those at the given places."""
    padded = np.pad(places, ((0, 0), (width - 1, width - 1)))
    return np.asarray(sliding_window_view(padded, 2 * width - 1, axis=1).any(axis=-1))


def planted(run: Run) -> PlantedMotifs:
    """The one input of planted motifs of a run.

    Raises
    ------
    SpecError
        If there is none, or several.
    """
    found = [one for one in run.experiment.inputs.values() if isinstance(one, PlantedMotifs)]
    if len(found) != 1:
        raise SpecError(
            f"{len(found)} inputs have planted motifs; one is needed", where="motifs.inputs"
        )
    return found[0]


def _numbers(motifs: PlantedMotifs) -> Words:
    return np.array([[BASES.index(base) for base in word] for word in motifs.consensus])
