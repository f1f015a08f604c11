"""Lists of connections: given explicitly, or drawn at random once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, final

import numpy as np
from numpy.typing import ArrayLike

from scnnbio.connectors.base import (
    Delay,
    FloatArray,
    Kernel,
    checked_delay,
    checked_weights,
    set_fields,
)
from scnnbio.connectors.unshared import UnsharedConnector
from scnnbio.errors import SpecError
from scnnbio.geometry import Edges, IntArray
from scnnbio.shapes import Shape, resolve_shape
from scnnbio.units import In, Number, plain, plain_array
from scnnbio.values import Value

#: Largest number of connections per list, since every simulator uses 32-bit indices.
_MOST_EDGES = 2**31 - 1


class RandomEdges(Value, ABC):
    """A random choice of connections; the same seed gives the same connections."""

    @abstractmethod
    def draw(self, n_pre: int, n_post: int) -> tuple[IntArray, IntArray]:
        """Pairs (pre, post) of neurons, each at most once."""


@dataclass(frozen=True, kw_only=True)
class _SeededEdges(RandomEdges):
    """Common fields of random connections: a seed, and whether neurons connect to themselves."""

    seed: int
    self_connections: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "seed", _whole(self.seed, 0, "edges.seed"))
        if not isinstance(self.self_connections, bool):
            raise SpecError(
                f"{self.self_connections!r} is not true or false", where="edges.self_connections"
            )


@final
@dataclass(frozen=True)
class FixedProbability(_SeededEdges):
    """Each pair of neurons is connected with the same probability, independently of the others.

    Parameters
    ----------
    probability : float
        Above 0, at most 1.
    seed : int
        Give each projection its own seed: equal seeds draw equal connections.
    self_connections : bool
        Whether a neuron can connect to itself, where both sides are one population.
    """

    probability: Number
    kind: Literal["fixed-probability"] = field(default="fixed-probability", kw_only=True)

    def __post_init__(self) -> None:
        value = plain(self.probability, "1", where="edges.probability")
        if not 0 < value <= 1:
            raise SpecError(
                f"{value:g} is not a probability above 0 and up to 1", where="edges.probability"
            )
        object.__setattr__(self, "probability", value)
        super().__post_init__()

    def draw(self, n_pre: int, n_post: int) -> tuple[IntArray, IntArray]:
        """Pairs (pre, post), drawn by their distances, at a cost proportional to their number."""
        pairs, rng = n_pre * n_post, np.random.default_rng(self.seed)
        expected = pairs * self.probability
        if expected > _MOST_EDGES:
            raise SpecError(
                f"this gives {expected:.3g} connections; lower it", where="edges.probability"
            )
        found, last = [np.zeros(0, np.int64)], -1
        # The number of pairs up to the next connected one is geometric.
        batch = int(expected + 6 * np.sqrt(expected) + 16)
        while last < pairs:
            places = last + np.cumsum(rng.geometric(self.probability, batch))
            last = int(places[-1])
            found.append(places[places < pairs])
        pre, post = np.divmod(np.concatenate(found), n_post)
        if not self.self_connections:
            pre, post = pre[pre != post], post[pre != post]
        return pre, post


@final
@dataclass(frozen=True)
class FixedInDegree(_SeededEdges):
    """Each post-synaptic neuron has the same number of different pre-synaptic ones.

    Parameters
    ----------
    count : int
        Number of connections that each neuron receives.
    seed : int
        Give each projection its own seed: equal seeds draw equal connections.
    self_connections : bool
        Whether a neuron can connect to itself, where both sides are one population.
    """

    count: int
    kind: Literal["fixed-in-degree"] = field(default="fixed-in-degree", kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "count", _whole(self.count, 1, "edges.count"))
        super().__post_init__()

    def draw(self, n_pre: int, n_post: int) -> tuple[IntArray, IntArray]:
        """Pairs (pre, post)."""
        among = n_pre if self.self_connections else n_pre - 1
        if self.count > among:
            raise SpecError(
                f"{self.count} different inputs, but there are {among} neurons to choose from;"
                " lower it",
                where="edges.count",
            )
        rng = np.random.default_rng(self.seed)
        chosen = np.stack([rng.choice(among, self.count, replace=False) for _ in range(n_post)])
        post = np.arange(n_post)[:, None]
        if not self.self_connections:
            chosen = chosen + (chosen >= post)
        return chosen.ravel(), np.broadcast_to(post, chosen.shape).ravel()


#: Ways to draw connections, by their kind in a document.
RANDOM_EDGES: dict[str, type[Any]] = {
    "fixed-probability": FixedProbability,
    "fixed-in-degree": FixedInDegree,
}


@final
@dataclass(frozen=True, eq=False, repr=False, init=False)
class EdgeListConnector(UnsharedConnector):
    """A list of connections, given explicitly or drawn at random.

    Parameters
    ----------
    in_shape, out_shape : (channel, row, column)
        Shapes of the layers.
    edges : (pre, post) or RandomEdges
        Two arrays of neurons, numbered in C order of (channel, row, column); or
        :class:`FixedProbability` or :class:`FixedInDegree`, from which the connections are drawn
        once, here, so that every backend uses the same.
    weight : float or array (edges,)
        In the units of the synapse type.
    lag : float, text, quantity or array (edges,), optional
        Addition of each connection to the delay of the projection, or of the synapse type (ms).
    delay : float, text or quantity, optional
        Overrides the delay of the synapse type (ms).
    connect_zeros : bool
        Whether weights that are exactly zero connect. They do by default.

    Attributes
    ----------
    pre, post : ndarray of int64 (edges,)
    kernel : ndarray of float64 (edges,)
        Weights. All three are sorted by pre, then post, then lag.
    lags : tuple of float, or None
        The different lags, increasing; None if there is only one, of 0.

    Raises
    ------
    SpecError
        If arrays differ in length, a neuron does not exist, a pair is connected twice with one lag,
        there are no connections at all, or values are not finite.

    Notes
    -----
    Arrays of weights and lags for random connections are in the order of the sorted connections.

    Examples
    --------
    >>> ring = EdgeListConnector((1, 1, 4), (1, 1, 4), ([0, 1, 2, 3], [1, 2, 3, 0]), 0.5)
    >>> len(ring.edges())
    4
    >>> sparse = EdgeListConnector((1, 1, 400), (1, 1, 400), FixedInDegree(8, seed=1))
    >>> len(sparse.edges())
    3200
    """

    in_shape: Shape
    target_shape: Shape
    pre: IntArray
    post: IntArray
    kernel: FloatArray
    lag_of: IntArray
    lags: tuple[float, ...] | None
    delay: float | None
    connect_zeros: bool
    drawn: RandomEdges | None

    def __init__(
        self,
        in_shape: Sequence[int],
        out_shape: Sequence[int],
        edges: RandomEdges | Sequence[ArrayLike],
        weight: Kernel = 1.0,
        lag: Annotated[Any, In("ms")] = None,
        delay: Delay = None,
        connect_zeros: bool = True,
    ) -> None:
        before = resolve_shape(in_shape, "in_shape")
        after = resolve_shape(out_shape, "out_shape")
        sizes = int(np.prod(before)), int(np.prod(after))
        drawn = edges if isinstance(edges, RandomEdges) else None
        if drawn is not None:
            _check_selves(drawn, before, after)
            ends = drawn.draw(*sizes)
            order = np.lexsort(ends[::-1])
            ends = ends[0][order], ends[1][order]
        else:
            ends = _ends(edges, sizes)
        if not 0 < len(ends[0]) <= _MOST_EDGES:
            raise SpecError(
                f"{len(ends[0])} connections; give at least one, or leave the projection out",
                where="edges",
            )
        weights = _each(checked_weights(weight, "weight"), len(ends[0]), "weight")
        lags, lag_of = _lags(lag, len(ends[0]))
        order = np.lexsort((lag_of, ends[1], ends[0]))
        pre, post, lag_of = ends[0][order], ends[1][order], lag_of[order]
        _check_once(pre, post, lag_of)
        set_fields(
            self,
            in_shape=before,
            target_shape=after,
            pre=_read_only(pre),
            post=_read_only(post),
            kernel=checked_weights(weights[order], "weight"),
            lag_of=_read_only(lag_of),
            lags=lags,
            delay=checked_delay(delay),
            connect_zeros=bool(connect_zeros),
            drawn=drawn,
        )

    @property
    def lag(self) -> FloatArray:
        """Addition of each connection to the delay in ms, shape (edges,)."""
        return np.array(self.lags or (0.0,))[self.lag_of]

    def lag_index(self, edges: Edges) -> IntArray:
        """Index of each edge's lag in ``lags``."""
        return self.lag_of[edges.tap]

    def _joined(self) -> Edges:
        return Edges(self.pre, self.post, np.arange(len(self.pre)))

    def canonical_fields(self) -> dict[str, Any]:
        """Everything that determines the connections and their weights."""
        names = ("in_shape", "out_shape", "delay", "connect_zeros")
        return {
            "edges": (self.pre, self.post),
            "weight": self.kernel,
            "lag": None if self.lags is None else self.lag,
            **{name: getattr(self, name) for name in names},
        }

    def _with(self, kernel: FloatArray, connect_zeros: bool) -> EdgeListConnector:
        edges = self.drawn or (self.pre, self.post)
        lag = None if self.lags is None else self.lag
        return EdgeListConnector(
            self.in_shape, self.out_shape, edges, kernel, lag, self.delay, connect_zeros
        )


def _whole(value: Any, least: int, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise SpecError(f"{value!r} is not a whole number from {least} up", where=where)
    return int(value)


def _check_selves(drawn: RandomEdges, before: Shape, after: Shape) -> None:
    if before != after and not getattr(drawn, "self_connections", True):
        raise SpecError(
            f"layers {before} and {after} are not one population, so that no neuron can connect"
            " to itself; remove self_connections",
            where="edges.self_connections",
        )


def _ends(edges: Any, sizes: tuple[int, int]) -> tuple[IntArray, IntArray]:
    """Both columns as numbers of existing neurons."""
    try:
        columns = [np.array(column) for column in edges]
    except (TypeError, ValueError):
        columns = []
    if len(columns) != 2 or any(c.ndim != 1 for c in columns) or len({len(c) for c in columns}) > 1:
        raise SpecError(
            "give two arrays of equal length, (pre, post), or FixedProbability or FixedInDegree",
            where="edges",
        )
    for name, column, size in zip(("pre", "post"), columns, sizes, strict=True):
        where = f"edges.{name}"
        if len(column) and not np.issubdtype(column.dtype, np.integer):
            raise SpecError(f"{column.dtype} values; give whole numbers of neurons", where=where)
        wrong = (column < 0) | (column >= size)
        if wrong.any():
            raise SpecError(
                f"neuron {column[wrong][0]} of a layer with neurons 0..{size - 1}", where=where
            )
    return columns[0].astype(np.int64), columns[1].astype(np.int64)


def _each(values: FloatArray, count: int, where: str) -> FloatArray:
    """One value per connection, from a single value or an array."""
    if values.ndim == 0:
        return np.full(count, values)
    if values.shape != (count,):
        raise SpecError(
            f"values of shape {values.shape} for {count} connections; give one number, or one per"
            " connection",
            where=where,
        )
    return values


def _lags(lag: Any, count: int) -> tuple[tuple[float, ...] | None, IntArray]:
    """The different lags in ms, and the index of each connection's lag among them."""
    nothing = None, np.zeros(count, np.int64)
    if lag is None:
        return nothing
    given = plain_array(lag, "ms", where="lag")
    values = _each(given, count, "lag")
    if values.min() < 0:
        raise SpecError(f"{values.min():g} ms is before the spike; give lags >= 0", where="lag")
    different, places = np.unique(values, return_inverse=True)
    if different.tolist() == [0.0]:
        return nothing
    return tuple(different.tolist()), places.astype(np.int64).ravel()


def _check_once(pre: IntArray, post: IntArray, lag_of: IntArray) -> None:
    again = (np.diff(pre) == 0) & (np.diff(post) == 0) & (np.diff(lag_of) == 0)
    if again.any():
        k = int(np.argmax(again))
        raise SpecError(
            f"neurons {pre[k]} and {post[k]} are connected twice with one lag; give one connection"
            " with the sum of the weights",
            where="edges",
        )


def _read_only(values: IntArray) -> IntArray:
    values = values.astype(np.int64)
    values.flags.writeable = False
    return values
