"""Scores, and distances between a model's values and published ones."""

from __future__ import annotations

import math
import reprlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scnnbio._html import section, short, table
from scnnbio.errors import SpecError
from scnnbio.values import Value

#: ``"chosen for"`` is agreement with a claim by which parameters were chosen: it is no evidence.
Verdict = Literal["agrees", "disagrees", "insufficient data", "not applicable", "chosen for"]


@dataclass(frozen=True, eq=False)
class Score(Value):
    """Outcome of judging a model by one claim.

    Parameters
    ----------
    claim : str
        Name of the claim.
    value : float or None
        The number on which the verdict rests; None where there is none.
    prediction : mapping
        The model's results, such as its median or its counts.
    observation : mapping
        The published observation, and the limit that was applied.
    verdict : {"agrees", "disagrees", "insufficient data", "not applicable", "chosen for"}
    reason : str
        Reason for the verdict, in one line.
    n : int
        Number of cells or kernels that were used.
    excluded : mapping from reason to int
        Numbers of those that were not, by reason.
    source : str
        Source of the observation.
    stage : str
        Stage whose run was judged; empty outside a study.
    population : tuple of str
        Populations whose spikes were measured.
    projection : str
        Projection whose kernel was measured.
    used_for : {"test", "choice"}
        Whether the claim was held out, or parameters of the model were chosen by it.
    estimate, published : mapping
        The model's number with its interval, and the published one: ``statistic``, ``value``,
        ``low``, ``high``, ``n`` and ``interval``, which says what the interval is. Empty where
        there is none.
    """

    claim: str
    value: float | None
    prediction: Mapping[str, Any]
    observation: Mapping[str, Any]
    verdict: Verdict
    reason: str
    n: int = 0
    excluded: Mapping[str, int] = field(default_factory=dict)
    source: str = ""
    stage: str = ""
    population: tuple[str, ...] = ()
    projection: str = ""
    used_for: Literal["test", "choice"] = "test"
    estimate: Mapping[str, Any] = field(default_factory=dict)
    published: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "population", tuple(self.population))

    @property
    def about(self) -> str:
        """What was measured: stage, populations and projection."""
        names = ", ".join((*self.population, *filter(None, [self.projection])))
        return ": ".join(filter(None, (self.stage, names)))

    def __repr__(self) -> str:
        value = "" if self.value is None else f" at {self.value:.4g}"
        return f"Score({self.claim!r} {self.verdict}{value}, n={self.n}: {short(self.reason)})"

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold; a number that is not finite becomes None."""
        return {name: _plain(value) for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Score:
        """Read a score that :meth:`to_dict` wrote.

        Raises
        ------
        TypeError, ValueError
            If it is none: a key is missing or unknown, or a value is of another kind.
        """
        score = cls(**values)
        for name, kinds in _KINDS.items():
            value = getattr(score, name)
            if not isinstance(value, kinds) or isinstance(value, bool):
                raise TypeError(f"{name} is {reprlib.repr(value)}")
        texts, counts = score.population, score.excluded.values()
        if not all(isinstance(name, str) for name in texts):
            raise TypeError(f"population is {reprlib.repr(texts)}")
        if not all(isinstance(n, int) for n in counts):
            raise TypeError(f"excluded is {reprlib.repr(score.excluded)}")
        if score.verdict not in get_args(Verdict):
            raise ValueError(f"verdict is {reprlib.repr(score.verdict)}")
        return score


#: Kinds of the values of a score, which a file may hold in any other.
_KINDS: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("claim", "verdict", "reason", "source", "stage", "projection"), (str,)),
    "used_for": (str,),
    "value": (int, float, type(None)),
    "n": (int,),
    **dict.fromkeys(("prediction", "observation", "excluded", "estimate", "published"), (Mapping,)),
}


class Scores(tuple[Score, ...]):
    """Several scores, which notebooks show as a table."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        counted = Counter(score.verdict for score in self)
        said = ", ".join(f"{number} {verdict}" for verdict, number in counted.items())
        rows = ((s.claim, s.about, s.verdict, s.value, s.n, s.reason, s.source) for s in self)
        head = ("claim", "on", "verdict", "value", "n", "reason", "source")
        return section(f"{len(self)} scores: {said or 'none'}", table(head, rows))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def total_variation(p: ArrayLike, q: ArrayLike) -> float:
    """Total variation distance of two histograms over the same bins.

    Half the sum of the absolute differences of their shares: 0 if the shares are equal, 1 if no bin
    is shared.

    Parameters
    ----------
    p, q : array
        Counts or shares of equal shape, not negative.

    Returns
    -------
    float

    Raises
    ------
    SpecError
        If the shapes differ or one is empty.

    Examples
    --------
    >>> total_variation([1, 1], [20, 0])
    0.5
    """
    one, other = (np.asarray(h, dtype=np.float64) for h in (p, q))
    if one.shape != other.shape:
        raise SpecError(f"shapes {one.shape} and {other.shape} differ", where="total_variation")
    return float(np.abs(_shares(one) - _shares(other)).sum() / 2.0)


def binned_distance(p: ArrayLike, q: ArrayLike) -> float:
    """Largest difference of the cumulative shares of two histograms (Kolmogorov-Smirnov).

    Parameters
    ----------
    p, q : array, shape (bins,)
        Counts or shares over the same bins in order.

    Returns
    -------
    float
        At most that of the unbinned samples.
    """
    one, other = (_shares(np.asarray(h, dtype=np.float64)) for h in (p, q))
    return float(np.abs(np.cumsum(one) - np.cumsum(other)).max())


def _shares(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    total = counts.sum()
    if not total > 0 or counts.min() < 0:
        raise SpecError("a histogram needs counts that are not negative", where="histogram")
    return np.asarray(counts / total)


def chance_limit(counts: ArrayLike, n: int, *, draws: int = 2000, seed: int = 0) -> float:
    """Total variation distance within which 95 % of samples of size ``n`` from a histogram stay.

    A model with exactly the published distribution would exceed it once in twenty times. The
    published shares are taken as the true ones, which is strict: their own sampling error would
    widen the limit.

    Parameters
    ----------
    counts : array
        Published counts.
    n : int
        Size of the samples.
    draws : int
    seed : int

    Returns
    -------
    float
    """
    shares = _shares(np.asarray(counts, dtype=np.float64).ravel())
    rng = np.random.default_rng(seed)
    samples = rng.multinomial(n, shares, size=draws) / n
    distances = np.abs(samples - shares).sum(axis=1) / 2.0
    return float(np.quantile(distances, 0.95))


def histogram(values: ArrayLike, edges: ArrayLike) -> tuple[NDArray[np.int64], int, int]:
    """Count values in bins, and those below and above all bins.

    Parameters
    ----------
    values : array, shape (n,)
        Positive infinity counts as above; NaN is not allowed.
    edges : array, shape (bins + 1,)
        Each bin includes its lower edge; the last includes both.

    Returns
    -------
    counts : array of int, shape (bins,)
    below, above : int
    """
    data, rim = np.asarray(values, dtype=np.float64), np.asarray(edges, dtype=np.float64)
    counts, _ = np.histogram(data[np.isfinite(data)], rim)
    return counts.astype(np.int64), int((data < rim[0]).sum()), int((data > rim[-1]).sum())
