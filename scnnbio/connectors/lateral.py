"""Inhibition within one layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, final, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pyNN.standardmodels.base import excitatory_receptor_types

from scnnbio.connectors.base import (
    FloatArray,
    KernelConnector,
    checked_delay,
    checked_weights,
    same_shape,
    set_fields,
)
from scnnbio.errors import SpecError
from scnnbio.geometry import Pair, Shape, resolve_shape

Scope = Literal["maps", "neighbourhood", "both"]


@final
@dataclass(frozen=True, eq=False, repr=False, init=False)
class LateralInhibitionConnector(KernelConnector):
    """Inhibition between the neurons of one layer.

    Parameters
    ----------
    shape : (map, row, column)
        Shape of the layer, which is both sides of the projection.
    scope : {"maps", "neighbourhood", "both"}
        "maps": every other map at the same place. "neighbourhood": the same map at the other
        places within ``radius``. "both": every map at every place within ``radius``, but not the
        neuron itself.
    radius : int
        Largest distance in rows and in columns (a square neighbourhood). "maps" has none.
    strength : float or array, shape (map, map, 2 * radius + 1, 2 * radius + 1)
        Size of the weights, never negative, in the units of the synapse type. As an array it is
        indexed as a kernel (to, from, row, column) and zero outside the scope.
    delay : float, text or quantity, optional
        Overrides the delay of the synapse type (ms).

    Raises
    ------
    SpecError
        If the scope joins no two neurons, or a strength is negative or not finite.

    Notes
    -----
    The sign follows the receptor: negative weights on current-based cells, positive ones on
    conductances, as PyNN has it. An excitatory receptor is refused: PyNN takes it when no
    ``receptor_type`` is given.

    ``kernel`` is the equivalent convolution with padding ``radius``, of strengths.

    Examples
    --------
    >>> connector = LateralInhibitionConnector((3, 5, 5), strength=0.5)
    >>> len(connector.edges())
    150
    """

    in_shape: Shape
    kernel: FloatArray
    stride: Pair
    padding: Pair
    delay: float | None
    scope: Scope
    radius: int

    parameter_names = ("shape", "scope", "radius", "delay")

    def __init__(
        self,
        shape: Sequence[int],
        scope: Scope = "maps",
        radius: int = 0,
        strength: float | ArrayLike = 1.0,
        delay: Any = None,
    ) -> None:
        layer = resolve_shape(shape)
        _check_scope(scope, radius, layer)
        reach = int(radius)
        present = _lateral_taps(layer[0], scope, reach)
        kernel = checked_weights(strength, "strength")
        if kernel.ndim == 0:
            kernel = checked_weights(np.where(present, kernel, 0.0), "strength")
        _check_strength(kernel, present)
        set_fields(
            self,
            in_shape=layer,
            kernel=kernel,
            stride=(1, 1),
            padding=(reach, reach),
            delay=checked_delay(delay),
            scope=scope,
            radius=reach,
        )

    @property
    def shape(self) -> Shape:
        """Shape (map, row, column) of the layer."""
        return self.in_shape

    @property
    def strength(self) -> float | FloatArray:
        """The one strength of all taps, or the kernel where they differ."""
        values = np.unique(self.kernel[self.present])
        return float(values[0]) if values.size == 1 else self.kernel

    @property
    def present(self) -> NDArray[np.bool_]:
        """Taps within the scope, shape (to, from, row, column)."""
        return _lateral_taps(self.in_shape[0], self.scope, self.radius)

    def with_kernel(self, kernel: ArrayLike) -> LateralInhibitionConnector:
        """Same connector with other strengths.

        Parameters
        ----------
        kernel : array, shape (map, map, 2 * radius + 1, 2 * radius + 1)
            Never negative, and zero outside the scope.

        Raises
        ------
        SpecError
            If the shape differs, or a strength is negative, not finite, or outside the scope.
        """
        strength = same_shape(kernel, self.kernel)
        return LateralInhibitionConnector(self.shape, self.scope, self.radius, strength, self.delay)

    def weight_sign(self, receptor: str, conductance_based: bool) -> float:
        """Minus one for currents, one for conductances; SpecError where it would excite."""
        if receptor in excitatory_receptor_types:
            raise SpecError(
                f"lateral inhibition on the excitatory receptor {receptor!r};"
                " give the projection receptor_type='inhibitory'",
                where="receptor_type",
            )
        return 1.0 if conductance_based else -1.0


def _lateral_taps(maps: int, scope: Scope, radius: int) -> NDArray[np.bool_]:
    """Taps within a scope, shape (to, from, 2 * radius + 1, 2 * radius + 1)."""
    same = np.eye(maps, dtype=bool)
    taps = np.zeros((maps, maps, 2 * radius + 1, 2 * radius + 1), bool)
    if scope == "both":
        taps[:] = True
    elif scope == "neighbourhood":
        taps[same] = True
    if scope != "neighbourhood":
        taps[:, :, radius, radius] = True
    taps[same, radius, radius] = False  # the neuron itself
    return taps


def _check_scope(scope: Any, radius: Any, shape: Shape) -> None:
    if scope not in get_args(Scope):
        known = ", ".join(map(repr, get_args(Scope)))
        raise SpecError(f"{scope!r} is not a scope; use one of {known}", where="scope")
    whole = isinstance(radius, int | np.integer) and not isinstance(radius, bool)
    if not whole or radius < 0:
        raise SpecError(f"{radius!r} is not a radius; give an integer >= 0", where="radius")
    if scope == "maps" and radius > 0:
        raise SpecError(
            f"scope 'maps' stays at one place, but radius is {radius}; use scope 'both'",
            where="radius",
        )
    other_maps = scope != "neighbourhood" and shape[0] > 1
    other_places = scope != "maps" and radius > 0 and max(shape[1:]) > 1
    if not (other_maps or other_places):
        raise SpecError(
            f"scope {scope!r} with radius {radius} joins no neurons of a layer {shape};"
            " widen it, or leave the projection out",
            where="scope",
        )


def _check_strength(kernel: FloatArray, present: NDArray[np.bool_]) -> None:
    if kernel.shape != present.shape:
        raise SpecError(
            f"strength of shape {kernel.shape}; give a number, or an array of {present.shape}",
            where="strength",
        )
    if kernel.min() < 0:
        raise SpecError(
            "a negative strength would excite; give its size, the receptor decides the sign",
            where="strength",
        )
    if kernel[~present].any():
        raise SpecError("strength outside the scope; make it zero there", where="strength")
