"""The similarity by which Brain-Score compares a property of units with a published histogram."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scnnbio.errors import SpecError
from scnnbio.validation.claim import Claim, Outcome
from scnnbio.validation.estimates import Estimate, fraction_of

Array = NDArray[np.float64]

#: Resamples of a similarity, as in Brain-Score, and the seed of all draws.
_RESAMPLES, _SEED = 1000, 0
#: Populations drawn for the floor, and resamples of each.
_POPULATIONS, _EACH = 400, 100


def ks_similarity(shares: Array, published: Array) -> Array:
    """One minus the Kolmogorov-Smirnov distance over the largest there could be.

    Parameters
    ----------
    shares : array, shape (..., bins)
        Of the model, which add up to 1.
    published : array, shape (bins,)
        Of the data.

    Returns
    -------
    array, shape (...)
        The largest distance is that of all units in the first bin, or all in the last, whichever
        is farther from the data.
    """
    wanted = np.cumsum(published)
    distance = np.abs(np.cumsum(shares, axis=-1) - wanted).max(axis=-1)
    all_first = np.abs(1.0 - wanted).max()
    all_last = np.abs(wanted[:-1]).max(initial=0.0)
    return np.asarray(1.0 - distance / max(all_first, all_last))


def brain_score_similarity(
    counts: ArrayLike, published: ArrayLike, *, resamples: int = _RESAMPLES, seed: int = _SEED
) -> float:
    """Mean similarity of resamples of a model's units, as many as the data have.

    Parameters
    ----------
    counts, published : array, shape (bins,)
        Units in each of the data's bins. With ``counts`` equal to ``published`` the similarity is
        the ceiling: the data against themselves.
    resamples, seed : int

    Returns
    -------
    float

    Raises
    ------
    SpecError
        If the shapes differ or one is empty.

    References
    ----------
    T. Marques, M. Schrimpf and J. J. DiCarlo (2021), bioRxiv 2021.03.01.433495,
    doi:10.1101/2021.03.01.433495.
    """
    units, data = (np.asarray(c, dtype=np.float64) for c in (counts, published))
    if units.shape != data.shape or not units.sum() > 0 or not data.sum() > 0:
        raise SpecError(
            "two histograms over the same bins are needed, each of one unit or more",
            where="brain_score_similarity",
        )
    n = int(data.sum())
    drawn = np.random.default_rng(seed).multinomial(n, units / units.sum(), resamples)
    return float(ks_similarity(drawn / n, data / n).mean())


def similarity_floor(published: ArrayLike, n: int, *, seed: int = _SEED) -> float:
    """Similarity that 95 % of samples of ``n`` units from the published histogram reach.

    Parameters
    ----------
    published : array, shape (bins,)
    n : int
    seed : int

    Returns
    -------
    float
        A model that had exactly the published distribution would lie below once in twenty times.
    """
    data = np.asarray(published, dtype=np.float64)
    total, rng = int(data.sum()), np.random.default_rng(seed)
    populations = rng.multinomial(n, data / total, _POPULATIONS) / n
    drawn = rng.multinomial(total, populations[:, None, :], (_POPULATIONS, _EACH)) / total
    return float(np.quantile(ks_similarity(drawn, data / total).mean(axis=1), 0.05))


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class SimilarAsBrainScore(Claim):
    """The units have the published distribution of a property, as Brain-Score measures it.

    The value is the score: the similarity over the ceiling. Values beyond the outer edges count in
    the outer bins. The model agrees if its similarity is one that 95 % of samples of its size from
    the published histogram reach (:func:`similarity_floor`). Units without a value are left out
    and counted; with none left the claim is not judged, where Brain-Score gives 0.

    Parameters
    ----------
    published_ceiling : float, optional
        That of Brain-Score's own tests; ours is computed in the same way.
    alexnet : float, optional
        Similarity of AlexNet in Brain-Score's own tests, not over the ceiling.
    """

    published_ceiling: float | None = None
    alexnet: float | None = None

    def compare(self, values: Array) -> Outcome:
        """Hold against the published histogram; see :class:`SimilarAsBrainScore`."""
        seen = self.observation
        if seen.counts is None or seen.edges is None:
            raise SpecError("a histogram is needed", where=f"claim {self.name!r}")
        counts, _ = np.histogram(np.clip(values, seen.edges[0], seen.edges[-1]), seen.edges)
        similarity = brain_score_similarity(counts, seen.counts)
        ceiling = brain_score_similarity(seen.counts, seen.counts)
        floor = similarity_floor(seen.counts, len(values))
        agrees = similarity >= floor
        relation = "reaches" if agrees else "is below"
        return Outcome(
            value=similarity / ceiling,
            agrees=bool(agrees),
            reason=f"similarity {similarity:.3f} of a ceiling of {ceiling:.3f} {relation}"
            f" {floor:.3f}, which 95 % of samples of {len(values)} from the published histogram"
            f" reach" + ("" if self.alexnet is None else f"; AlexNet has {self.alexnet:.3f}"),
            prediction={
                "counts": counts.tolist(),
                "median": float(np.median(values)),
                "similarity": similarity,
            },
            against={
                "floor": floor,
                "ceiling": ceiling,
                "published_ceiling": self.published_ceiling,
                "alexnet": self.alexnet,
            },
            estimate=_share(counts),
            published=_share(seen.counts),
        )


def _share(counts: NDArray[np.int64]) -> Estimate | None:
    """Share in the upper of two bins, where a property is a yes or no."""
    return fraction_of(int(counts[1]), int(counts.sum())) if len(counts) == 2 else None
