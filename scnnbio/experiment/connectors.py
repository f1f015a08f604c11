"""Connectors in documents."""

from __future__ import annotations

import inspect
import math
import reprlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from scnnbio.connectors import (
    CONNECTORS,
    PROFILES,
    RANDOM_EDGES,
    ConvolutionConnector,
    DenseConnector,
    EdgeListConnector,
    KernelConnector,
    LateralInhibitionConnector,
    LocalConnector,
    PoolingConnector,
    UnsharedConnector,
)
from scnnbio.errors import SpecError
from scnnbio.experiment.documents import (
    Table,
    as_list,
    as_table,
    by_kind,
    check_keys,
    choose,
    continued,
    join,
    kind_of,
    plain_table,
    plain_value,
    require,
)
from scnnbio.experiment.experiment import checked_seed
from scnnbio.shapes import Shape
from scnnbio.units import plain

_LARGEST_KERNEL = 10**8


def connector_from(
    table: Any, in_shape: Shape, where: str, out_shape: Shape | None = None
) -> KernelConnector:
    """Make the connector that a table describes.

    Parameters
    ----------
    table : mapping
        ``kind``, a name in :data:`~scnnbio.connectors.CONNECTORS`, and the arguments of that
        connector.
    in_shape : (channel, row, column)
        Shape of the pre-synaptic layer.
    where : str
        Path of the table.
    out_shape : (channel, row, column), optional
        Shape of the post-synaptic layer, for connectors that do not decide it: "dense" and "edges".

    Returns
    -------
    KernelConnector

    Raises
    ------
    SpecError
        If anything in the description is wrong; the message names the path.
    """
    named = require(table, "kind", where)
    cls = choose(CONNECTORS, named, "kind of connector", join(where, "kind"))
    rest = {key: _pair(value) for key, value in table.items() if key != "kind"}
    try:
        if cls not in _READERS:
            return _by_arguments(cls, rest, {"in_shape": in_shape, "out_shape": out_shape}, where)
        if cls in (DenseConnector, EdgeListConnector):
            rest["out_shape"] = out_shape
        return _READERS[cls](rest, in_shape, where)
    except SpecError as error:
        path = error.where if where in error.where else continued(where, error.where)
        raise SpecError(error.message, where=path) from None
    except (TypeError, ValueError, ArithmeticError) as error:
        raise SpecError(f"a value has the wrong kind: {error}", where=where) from None


def connector_table(connector: KernelConnector) -> Table:
    """Write a connector as a table, from which :func:`connector_from` restores it.

    Raises
    ------
    SpecError
        If no installed package registers the connector's class.
    """
    if type(connector) not in _READERS:
        return _arguments_table(connector)
    if isinstance(connector, LateralInhibitionConnector):
        return _lateral_table(connector)
    if isinstance(connector, PoolingConnector):
        return _pooling_table(connector)
    if isinstance(connector, UnsharedConnector):
        return _unshared_table(connector)
    table: Table = {
        "kind": "convolution",
        "kernel": connector.kernel.tolist(),
        "stride": list(connector.stride),
        "padding": list(connector.padding),
    }
    if isinstance(connector, ConvolutionConnector) and not connector.connect_zeros:
        table["connect_zeros"] = False
    if connector.lags is not None:
        table["lags"] = list(connector.lags)
    if connector.groups > 1:
        table["groups"] = connector.groups
    return table


#: Arguments that the shapes of the layers determine.
_SHAPES = ("in_shape", "out_shape")


def _by_arguments(
    cls: type[KernelConnector], table: Table, shapes: Mapping[str, Shape | None], where: str
) -> KernelConnector:
    """Make a connector of another package: the keys are the arguments of its initialiser."""
    known = inspect.signature(cls).parameters
    check_keys(table, [name for name in known if name not in _SHAPES], where)
    for name, argument in known.items():
        if argument.default is argument.empty and name not in (*table, *_SHAPES):
            raise SpecError(f"{name!r} is missing", where=where)
    return cls(**table, **{name: shapes[name] for name in _SHAPES if name in known})


def _arguments_table(connector: KernelConnector) -> Table:
    """The arguments of a connector's initialiser, as its canonical fields give them."""
    given = {n: v for n, v in connector.canonical_fields().items() if n not in _SHAPES}
    return {
        "kind": kind_of(CONNECTORS, connector),
        **{n: plain_value(v) for n, v in given.items() if v is not None},
    }


def _pair(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _convolution(table: Table, in_shape: Shape, where: str) -> KernelConnector:
    keys = ("kernel", "stride", "padding", "connect_zeros", "lags", "groups")
    check_keys(table, keys, where)
    kernel = _kernel(
        require(table, "kernel", where), join(where, "kernel"), lags=table.get("lags") is not None
    )
    return ConvolutionConnector(**{**table, "kernel": kernel, "in_shape": in_shape})


def _kernel(value: Any, where: str, *, lags: bool = False) -> Any:
    """Numbers, ``{uniform = [low, high], shape = [...], seed}`` or ``{each = ..., maps = n}``.

    With ``one_lag = true`` the second form, of a kernel with lags, keeps one of them, drawn at
    random, of each element. The last form repeats one kernel (in, row, column) for every map of
    the output.
    """
    if not isinstance(value, Mapping):
        return value
    if "each" in value:
        return _alike(value, where)
    check_keys(value, ("uniform", "shape", "seed", *(["one_lag"] if lags else [])), where)
    span = as_list(require(value, "uniform", where), join(where, "uniform"))
    shape = as_list(require(value, "shape", where), join(where, "shape"))
    if len(span) != 2:
        raise SpecError("give the smallest and the largest value", where=join(where, "uniform"))
    low, high = (plain(v, "1", where=join(where, "uniform")) for v in span)
    sizes = [n for n in shape if isinstance(n, int) and not isinstance(n, bool) and n > 0]
    if len(sizes) < len(shape) or not sizes or math.prod(sizes) > _LARGEST_KERNEL:
        raise SpecError(
            f"{reprlib.repr(shape)} is not the shape of a kernel; give (out, in, row, column), or"
            f" one more for lags, of {_LARGEST_KERNEL:,} elements at most",
            where=join(where, "shape"),
        )
    rng = np.random.default_rng(checked_seed(value.get("seed", 0)))
    found = rng.uniform(low, high, sizes)
    one_lag = value.get("one_lag", False)
    if not isinstance(one_lag, bool):
        raise SpecError(f"{one_lag!r} is not true or false", where=join(where, "one_lag"))
    if one_lag:
        found *= np.arange(sizes[-1]) == rng.integers(0, sizes[-1], (*sizes[:-1], 1))
    return found


def _alike(value: Mapping[str, Any], where: str) -> np.ndarray:
    """Repeat one kernel (in, row, column) for every map of the output."""
    check_keys(value, ("each", "maps"), where)
    maps, each = require(value, "maps", where), np.asarray(value["each"], dtype=float)
    if isinstance(maps, bool) or not isinstance(maps, int) or maps < 1:
        raise SpecError(f"{reprlib.repr(maps)} is not a number of maps", where=join(where, "maps"))
    if maps * max(each.size, 1) > _LARGEST_KERNEL:
        raise SpecError(
            f"the kernel has more than {_LARGEST_KERNEL:,} elements; make it smaller",
            where=join(where, "maps"),
        )
    return np.repeat(each[None], maps, axis=0)


def _pooling(table: Table, in_shape: Shape, where: str) -> KernelConnector:
    check_keys(table, ("size", "stride", "padding", "mode", "weight", "window"), where)
    require(table, "size", where)
    return PoolingConnector(in_shape, **table)


def _pooling_table(connector: PoolingConnector) -> Table:
    table: Table = {
        "kind": "pooling",
        "size": list(connector.size),
        "stride": list(connector.stride),
        "padding": list(connector.padding),
        "mode": connector.mode,
        "weight": connector.weight,
    }
    return table if connector.window is None else {**table, "window": connector.window}


def _lateral(table: Table, in_shape: Shape, where: str) -> KernelConnector:
    check_keys(table, ("scope", "radius", "strength", "profile"), where)
    profile = table.get("profile")
    if isinstance(profile, Mapping):
        profile = by_kind(PROFILES)(profile, join(where, "profile"))
    return LateralInhibitionConnector(in_shape, **{**table, "profile": profile})


def _lateral_table(connector: LateralInhibitionConnector) -> Table:
    table: Table = {
        "kind": "lateral-inhibition",
        "scope": connector.scope,
        "radius": connector.radius,
        "strength": plain_value(connector.strength),
    }
    if connector.profile is None:
        return table
    kind = next(kind for kind, cls in PROFILES.items() if type(connector.profile) is cls)
    return {**table, "profile": {"kind": kind, **plain_table(connector.profile)}}


def _dense(table: Table, in_shape: Shape, where: str) -> KernelConnector:
    check_keys(table, ("weights", "connect_zeros", "out_shape"), where)
    weights = _kernel(require(table, "weights", where), join(where, "weights"))
    return DenseConnector(**{**table, "weights": weights, "in_shape": in_shape})


def _local(table: Table, in_shape: Shape, where: str) -> KernelConnector:
    check_keys(table, ("weights", "stride", "padding", "connect_zeros"), where)
    weights = _kernel(require(table, "weights", where), join(where, "weights"))
    return LocalConnector(**{**table, "weights": weights, "in_shape": in_shape})


def _edges(table: Table, in_shape: Shape, where: str) -> KernelConnector:
    """``edges = {pre = [...], post = [...]}``, or a way to draw them, by its kind."""
    check_keys(table, ("edges", "weight", "lag", "connect_zeros", "out_shape"), where)
    inside = join(where, "edges")
    described = as_table(require(table, "edges", where), inside)
    edges: Any
    if "kind" in described:
        edges = by_kind(RANDOM_EDGES)(described, inside)
    else:
        check_keys(described, ("pre", "post"), inside)
        ends = [as_list(require(described, e, inside), join(inside, e)) for e in ("pre", "post")]
        edges = tuple(np.array(numbers) for numbers in ends)
    if table["out_shape"] is None:
        raise SpecError("the shape of the post-synaptic layer is missing", where=where)
    return EdgeListConnector(in_shape, **{**table, "edges": edges})


def _unshared_table(connector: UnsharedConnector) -> Table:
    table: Table = {} if connector.connect_zeros else {"connect_zeros": False}
    if isinstance(connector, DenseConnector):
        return {"kind": "dense", "weights": connector.kernel.tolist(), **table}
    if isinstance(connector, LocalConnector):
        places = {"stride": list(connector.stride), "padding": list(connector.padding)}
        return {"kind": "local", "weights": connector.kernel.tolist(), **places, **table}
    if not isinstance(connector, EdgeListConnector):
        raise SpecError(f"a {type(connector).__name__} cannot be written in a document")
    alike = (connector.kernel == connector.kernel[0]).all()
    table["weight"] = float(connector.kernel[0]) if alike else connector.kernel.tolist()
    if connector.lags is not None:
        table["lag"] = connector.lag.tolist()
    if connector.drawn is not None:
        return {"kind": "edges", "edges": plain_table(connector.drawn), **table}
    pairs = {"pre": connector.pre.tolist(), "post": connector.post.tolist()}
    return {"kind": "edges", "edges": pairs, **table}


#: Connectors of scnnbio, for which documents have short forms.
_READERS: dict[type[KernelConnector], Callable[[Table, Shape, str], KernelConnector]] = {
    ConvolutionConnector: _convolution,
    PoolingConnector: _pooling,
    LateralInhibitionConnector: _lateral,
    DenseConnector: _dense,
    LocalConnector: _local,
    EdgeListConnector: _edges,
}
