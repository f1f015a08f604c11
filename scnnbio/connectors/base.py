"""Base class of connectors, and their common checks."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from typing import Annotated, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pyNN.connectors import Connector

from scnnbio.connectors.wiring import check_size, make_connections
from scnnbio.errors import SpecError
from scnnbio.geometry import Edges, IntArray, convolution_edges
from scnnbio.shapes import Pair, Shape, output_shape
from scnnbio.units import In, carries_unit, is_several, plain, plain_array
from scnnbio.values import Value

FloatArray = NDArray[np.float64]
Kernel = Annotated[ArrayLike, In("1")]
Delay = Annotated[Any, In("ms")]


class KernelConnector(Value, Connector, ABC):
    """Connections that share the weights of one kernel.

    Immutable, and equal to another of its class that has the same :meth:`digest`.

    Attributes
    ----------
    in_shape : tuple of int, (channel, row, column)
    kernel : ndarray of float64, shape (out, in, row, column) or (..., lag), read-only
        Weights, in the units of the synapse type. Where channels are in groups, ``in`` is the
        number of channels of one group.
    stride, padding : tuple of int, (row, column)
    delay : float or None
        ms; None takes the delay of the synapse type.
    groups : int
        Number of blocks of channels, each connected only to its own block, as in torch.
    lags : tuple of float, or None
        Addition to the delay (ms) by index on the kernel's last axis; None without that axis.
    """

    in_shape: Shape
    kernel: FloatArray
    stride: Pair
    padding: Pair
    delay: float | None
    groups: int = 1
    lags: tuple[float, ...] | None = None

    #: Whether the weights can be set, and learned.
    learnable = True
    #: Whether these connections always inhibit.
    inhibits = False
    #: Why weights cannot be learned, for errors, after the connector's name.
    why_fixed = "has no weights to learn"

    # Attributes that PyNN's initialiser would set; as class attributes, they allow frozen fields.
    safe = True
    callback = None
    location_selector = None
    parameter_names: tuple[str, ...] = ("in_shape", "out_shape", "stride", "padding", "delay")

    @property
    @abstractmethod
    def present(self) -> NDArray[np.bool_]:
        """Kernel elements that connect neurons, in the kernel's shape."""

    @abstractmethod
    def with_kernel(self, kernel: Kernel) -> Self:
        """Same connections with the weights of ``kernel``, of the kernel's shape."""

    @abstractmethod
    def weight_sign(self, receptor: str, conductance_based: bool) -> float:
        """Factor from the kernel to the weights that PyNN expects on a receptor."""

    @property
    def out_shape(self) -> Shape:
        """Shape (channel, row, column) of the post-synaptic layer."""
        return output_shape(
            self.in_shape, self.kernel.shape, self.stride, self.padding, self.groups
        )

    def lag_index(self, edges: Edges) -> IntArray:
        """Index of each edge's lag in ``lags``, shape (n,); 0 without lags."""
        return edges.tap % len(self.lags or (0.0,))

    def edge_lags(self, edges: Edges) -> FloatArray:
        """Addition to the delay of each edge in ms, shape (n,)."""
        return np.array(self.lags or (0.0,))[self.lag_index(edges)]

    def edges(self) -> Edges:
        """Every connection, sorted by pre, then post; computed anew at each call."""
        present = self.present
        return convolution_edges(
            self.in_shape,
            self.kernel.shape,
            self.stride,
            self.padding,
            None if present.all() else present,
            self.groups,
        )

    def canonical_fields(self) -> dict[str, Any]:
        """Everything that determines the connections and their weights.

        These are the arguments of the initialiser, from which the connector is restored.
        """
        names = ("in_shape", "stride", "padding", "delay", "groups", "lags", "kernel", "present")
        return {name: getattr(self, name) for name in names}

    def __repr__(self) -> str:
        parameters = ", ".join(f"{k}={v!r}" for k, v in self.get_parameters().items())
        size = "x".join(map(str, self.kernel.shape))
        span = f"{self.kernel.min():.4g}..{self.kernel.max():.4g}"
        return f"{type(self).__name__}(kernel=<{size}, {span}>, {parameters})"

    def describe(self, template: str | None = "default", engine: Any = "default") -> Any:
        """Human-readable description, as of every PyNN connector.

        Parameters
        ----------
        template : str or None
            "default" gives one line of text (PyNN ships no template for connectors), None the
            context as a dict, and anything else goes to PyNN's template engine.
        engine : str or TemplateEngine
            PyNN's name of the engine.
        """
        if template == "default":
            return repr(self)
        return super().describe(template, engine)

    def connect(self, projection: Any) -> None:
        """Make the connections of a PyNN projection; PyNN calls this.

        Parameters
        ----------
        projection : pyNN.common.Projection

        Raises
        ------
        SpecError
            If the sizes of the populations differ from those of the layers, a weight has a sign
            that the receptor does not accept, or a delay is shorter than the simulator allows.
        """
        check_size(projection.pre, self.in_shape, "pre-synaptic")
        check_size(projection.post, self.out_shape, "post-synaptic")
        edges = self.edges()
        sign = self.weight_sign(projection.receptor_type, projection.post.conductance_based)
        weights = sign * self.kernel.ravel()[edges.tap]
        make_connections(projection, edges, weights, self.delay, self.edge_lags(edges))


class SignedConnector(KernelConnector):
    """Connections whose weights have signs of their own, and may be given anew."""

    connect_zeros: bool

    @abstractmethod
    def _with(self, kernel: FloatArray, connect_zeros: bool) -> Self:
        """Same connections with other weights of the same shape."""

    def with_kernel(self, kernel: Kernel) -> Self:
        """Same connections with other weights.

        Parameters
        ----------
        kernel : array
            Of the same shape as the present one.

        Raises
        ------
        SpecError
            If the shape differs, or a weight is not finite.
        """
        return self._with(same_shape(kernel, self.kernel), self.connect_zeros)

    def split_by_sign(self) -> tuple[Self, Self]:
        """The positive and the negative part, for two receptors.

        The kernels add up to this one. Weights that are zero in a part connect nothing in it. The
        negative part keeps its sign, as PyNN wants it on an inhibitory receptor of current-based
        cells; on conductances, connect ``negative.with_kernel(-negative.kernel)`` to the inhibitory
        receptor.

        Returns
        -------
        positive, negative : connector of the same class
        """
        positive, negative = np.maximum(self.kernel, 0.0), np.minimum(self.kernel, 0.0)
        return self._with(positive, False), self._with(negative, False)

    def weight_sign(self, receptor: str, conductance_based: bool) -> float:
        """One: the weights have their own signs."""
        return 1.0


def checked_weights(values: ArrayLike, where: str) -> FloatArray:
    """Read-only copy of a kernel's values in float64.

    Parameters
    ----------
    values : array
    where : str
        Path into the document, for the error.

    Raises
    ------
    SpecError
        If a value has a unit, or is not a finite number.
    """
    try:
        weights = plain_array(values, "1", where=where, finite=False).copy()
    except SpecError as error:
        if not carries_unit(values):
            what = f"not an array of numbers ({error.message}); give a rectangular one"
            raise SpecError(what, where=where) from None
        raise SpecError(
            f"{error.message}; a kernel consists of plain numbers, in the units of the synapse"
            f" type (nA"
            " or uS): divide by the unit first",
            where=where,
        ) from None
    if not np.isfinite(weights).all():
        place = tuple(int(i) for i in np.argwhere(~np.isfinite(weights))[0])
        raise SpecError(
            f"weight at {place} is {weights[place]}; make every weight finite", where=where
        )
    weights += 0.0  # -0.0 becomes 0.0, so that equal kernels have equal digests
    weights.flags.writeable = False
    return weights


def same_shape(kernel: ArrayLike, like: FloatArray) -> FloatArray:
    """Checked weights of ``kernel``, which must have the shape of ``like``."""
    weights = checked_weights(kernel, "kernel")
    if weights.shape != like.shape:
        raise SpecError(
            f"kernel of shape {weights.shape} in place of {like.shape}; keep the shape,"
            " or make a new connector",
            where="kernel",
        )
    return weights


def checked_delay(delay: Any) -> float | None:
    """Delay in ms, not negative; None stays None."""
    if delay is None:
        return None
    number = plain(delay, "ms", where="delay")
    if number < 0:
        raise SpecError(f"{number} ms is before the spike; give a delay >= 0", where="delay")
    return number


def checked_lags(lags: Any, kernel: FloatArray) -> tuple[float, ...] | None:
    """Lags in ms, one per index on the kernel's last axis, increasing; None stays None."""
    if lags is None:
        return None
    if not is_several(lags):
        raise SpecError(f"{lags!r} is not a list of delays in ms", where="lags")
    numbers = tuple(plain(lag, "ms", where=f"lags[{k}]") for k, lag in enumerate(lags))
    if kernel.ndim != 5 or len(numbers) != kernel.shape[-1]:
        raise SpecError(
            f"{len(numbers)} lags for a kernel of shape {kernel.shape}; give"
            " (out, in, row, column, lag) with one lag per index on the last axis",
            where="lags",
        )
    if min(numbers) < 0 or any(b <= a for a, b in itertools.pairwise(numbers)):
        raise SpecError(
            f"lags {list(numbers)} do not increase from 0 or more; sort them, and the kernel",
            where="lags",
        )
    return numbers


def set_fields(connector: KernelConnector, **fields: Any) -> None:
    """Set the fields of a connector from its initialiser, since the classes are frozen."""
    for name, value in fields.items():
        object.__setattr__(connector, name, value)
