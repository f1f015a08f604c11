"""Inhibition within one layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, final, get_args

import numpy as np
from numpy.typing import NDArray
from pyNN.standardmodels.base import excitatory_receptor_types

from scnnbio.connectors.base import (
    Delay,
    FloatArray,
    Kernel,
    KernelConnector,
    checked_delay,
    checked_weights,
    same_shape,
    set_fields,
)
from scnnbio.connectors.profiles import RadialProfile, checked_profile
from scnnbio.errors import SpecError
from scnnbio.shapes import Pair, Shape, resolve_shape
from scnnbio.units import Number

Scope = Literal["maps", "neighbourhood", "both"]


@final
@dataclass(frozen=True, eq=False, repr=False, init=False)
class LateralInhibitionConnector(KernelConnector):
    """Inhibition between the neurons of one layer.

    Parameters
    ----------
    shape : (map, row, column) or (map, length)
        Shape of the layer, which is both sides of the projection. One in one dimension is held as
        one row.
    scope : {"maps", "neighbourhood", "both"}
        "maps": every other map at the same place. "neighbourhood": the same map at the other
        places within ``radius``. "both": every map at every place within ``radius``, but not the
        neuron itself.
    radius : int
        Largest distance in rows and in columns (a square neighbourhood), no larger than between
        any two places of the layer. "maps" has none.
    strength : float or array
        Size of the weights, never negative, in the units of the synapse type. As an array it is
        the kernel itself (to, from, row, column), with 2 * radius + 1 rows and columns and zero
        outside the scope; "neighbourhood", which stays in a map, has (map, 1, row, column). For a
        layer in one dimension it is (to, from, place), or (map, 1, place).
    delay : float, text or quantity, optional
        Overrides the delay of the synapse type (ms).
    profile : RadialProfile or sequence of float, optional
        Factor on the strength by the distance between the two places: a
        :class:`Gaussian`, a :class:`DifferenceOfGaussians`, or values at distances 0, 1, 2, ...
        Where it is zero there is no connection. By default the strength is the same within the
        neighbourhood.

    Raises
    ------
    SpecError
        If the scope connects no neurons, the radius reaches beyond the layer, or a strength is
        negative or not finite.

    Notes
    -----
    In a :class:`~scnnbio.network.Network` the weight of the projection has the sign that inhibits:
    negative on a current or on the potential, positive on a conductance that reverses below the
    threshold. One that would excite is refused. In a PyNN script the connector gives the strengths
    the sign that PyNN requires, and refuses an excitatory receptor, which is PyNN's default
    without a ``receptor_type``.

    ``kernel`` is the equivalent convolution with padding ``radius``, of strengths.

    Examples
    --------
    >>> connector = LateralInhibitionConnector((3, 5, 5), strength=0.5)
    >>> len(connector.edges())
    150

    Inhibition that falls with distance, in all maps but within 2 neurons only:

    >>> falling = LateralInhibitionConnector((3, 5, 5), "both", 2, 0.5, profile=[1.0, 0.6, 0.2])
    >>> falling.kernel[0, 1, 2].tolist()  # from one map to another, along a row
    [0.1, 0.3, 0.5, 0.3, 0.1]
    """

    in_shape: Shape
    kernel: FloatArray
    stride: Pair
    padding: Pair
    delay: float | None
    scope: Scope
    radius: int
    profile: RadialProfile | None
    groups: int

    inhibits = True
    parameter_names = ("shape", "scope", "radius", "delay", "profile")

    def __init__(
        self,
        shape: Sequence[int],
        scope: Scope = "maps",
        radius: int = 0,
        strength: Number | Kernel = 1.0,
        delay: Delay = None,
        profile: RadialProfile | Sequence[Number] | None = None,
    ) -> None:
        line = np.size(shape) == 2
        layer = resolve_shape((shape[0], 1, shape[1]) if line else shape)
        _check_scope(scope, radius, max(layer[1:]) - 1)
        reach, falls = int(radius), checked_profile(profile)
        present = _lateral_taps(layer[0], scope, reach, falls)
        if not _reached(present, layer).any():
            raise SpecError(
                f"scope {scope!r} with radius {reach}{' and this profile' if falls else ''}"
                f" connects"
                f" no neurons of a layer {layer}; widen it, or remove the projection",
                where="profile" if falls else "scope",
            )
        kernel = checked_weights(strength, "strength")
        if line and kernel.ndim == 3:
            kernel = _in_middle_row(kernel)
        if kernel.ndim == 0:
            fall = 1.0 if falls is None else _relative(falls, reach)
            kernel = checked_weights(np.where(present, kernel * fall, 0.0), "strength")
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
            profile=falls,
            groups=layer[0] if scope == "neighbourhood" else 1,
        )

    @property
    def shape(self) -> Shape:
        """Shape (map, row, column) of the layer."""
        return self.in_shape

    @property
    def strength(self) -> float | FloatArray:
        """The single strength that gives the kernel with the profile, or else the kernel."""
        present, fall = self.present, np.ones(self.kernel.shape)
        if self.profile is not None:
            fall = np.broadcast_to(_relative(self.profile, self.radius), present.shape)
        largest = np.argmax(np.where(present, fall, 0.0))
        one = float(self.kernel.flat[largest] / fall.flat[largest])
        same = np.array_equal(self.kernel[present], one * fall[present])
        return one if same else self.kernel

    @property
    def present(self) -> NDArray[np.bool_]:
        """Kernel elements within the scope, shape (to, from, row, column)."""
        return _lateral_taps(self.in_shape[0], self.scope, self.radius, self.profile)

    def with_kernel(self, kernel: Kernel) -> LateralInhibitionConnector:
        """Same connector with other strengths.

        Parameters
        ----------
        kernel : array
            Of the same shape as the present one, never negative, and zero outside the scope.

        Raises
        ------
        SpecError
            If the shape differs, or a strength is negative, not finite, or outside the scope.
        """
        strength = same_shape(kernel, self.kernel)
        return LateralInhibitionConnector(
            self.shape, self.scope, self.radius, strength, self.delay, self.profile
        )

    def canonical_fields(self) -> dict[str, Any]:
        """Everything that determines the connections and their weights."""
        # "both" without a radius makes the connections of "maps".
        scope = self.scope if self.radius else "maps"
        fields = {name: getattr(self, name) for name in ("radius", "delay", "profile")}
        return {"shape": self.in_shape, "scope": scope, "strength": self.kernel, **fields}

    def weight_sign(self, receptor: str, conductance_based: bool) -> float:
        """-1 for currents, 1 for conductances; SpecError where the weights would excite."""
        if receptor in excitatory_receptor_types:
            raise SpecError(
                f"lateral inhibition on the excitatory receptor {receptor!r};"
                " give the projection receptor_type='inhibitory'",
                where="receptor_type",
            )
        return 1.0 if conductance_based else -1.0


def _lateral_taps(
    maps: int, scope: Scope, radius: int, profile: RadialProfile | None
) -> NDArray[np.bool_]:
    """Taps within a scope, shape (to, from, 2 * radius + 1, 2 * radius + 1)."""
    # Within a map the kernel is depthwise, with one "from".
    own = np.eye(maps, dtype=bool)[:, :, None, None] if scope != "neighbourhood" else np.True_
    centre = _distance(radius) == 0
    taps = np.ones((maps, 1 if scope == "neighbourhood" else maps, *centre.shape), bool)
    taps &= ~(own & centre)  # the neuron itself
    return taps if profile is None else taps & (_relative(profile, radius) > 0)


def _in_middle_row(strength: FloatArray) -> FloatArray:
    """Strengths along a row (to, from, place) as a kernel, which has as many rows as columns."""
    places = strength.shape[-1]
    kernel = np.zeros((*strength.shape[:2], places, places))
    kernel[:, :, places // 2] = strength
    return checked_weights(kernel, "strength")


def _distance(radius: int) -> FloatArray:
    """Distance from the centre of a neighbourhood to each place in it."""
    along = np.arange(-radius, radius + 1)
    return np.asarray(np.hypot(along[:, None], along))


def _relative(profile: RadialProfile, radius: int) -> FloatArray:
    """Profile over the neighbourhood."""
    return profile.at(_distance(radius))


def _reached(taps: NDArray[np.bool_], shape: Shape) -> NDArray[np.bool_]:
    """Kernel elements that connect neurons of the layer; those beyond its size do not."""
    radius = taps.shape[-1] // 2
    rows, columns = (slice(max(0, radius - n + 1), radius + n) for n in shape[1:])
    return taps[..., rows, columns]


def _check_scope(scope: Any, radius: Any, farthest: int) -> None:
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
    # The kernel grows with the square of the radius, also where there are no neurons.
    if radius > farthest:
        raise SpecError(
            f"radius {radius} reaches beyond the layer, whose places are at most {farthest} rows or"
            f" columns apart; {f'for all of them use {farthest}' if farthest else 'use 0'}",
            where="radius",
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
