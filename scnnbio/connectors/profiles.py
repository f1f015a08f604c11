"""Profiles of the strength of inhibition by distance."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Annotated, Any, final

import numpy as np
from numpy.typing import NDArray

from scnnbio.errors import SpecError
from scnnbio.units import In, Number, is_several, plain, plain_array, plain_values
from scnnbio.values import Value

FloatArray = NDArray[np.float64]


class RadialProfile(Value, ABC):
    """A strength, never negative, for every distance between two places."""

    @abstractmethod
    def at(self, distance: Annotated[FloatArray, In("1")]) -> FloatArray:
        """Relative strength at distances in neurons (rows or columns of the layer)."""


@final
@dataclass(frozen=True)
class Gaussian(RadialProfile):
    """exp(-d^2 / (2 sigma^2)).

    Parameters
    ----------
    sigma : float
        In neurons, positive.
    """

    sigma: Number

    def __post_init__(self) -> None:
        object.__setattr__(self, "sigma", _positive(self.sigma, "sigma"))

    def at(self, distance: Annotated[FloatArray, In("1")]) -> FloatArray:
        """Relative strength: 1 at the centre."""
        return _gauss(distance, self.sigma)


@final
@dataclass(frozen=True)
class DifferenceOfGaussians(RadialProfile):
    """exp(-d^2 / (2 sigma^2)) - depth exp(-d^2 / (2 inner^2)): a ring that spares near neurons.

    Parameters
    ----------
    sigma, inner : float
        In neurons; ``inner`` is the smaller, so that no strength is negative.
    depth : float
        Reduction of the strength at the centre, above 0 and at most 1.
    """

    sigma: Number
    inner: Number
    depth: Number = 1.0

    def __post_init__(self) -> None:
        for name in ("sigma", "inner", "depth"):
            object.__setattr__(self, name, _positive(getattr(self, name), name))
        if self.inner >= self.sigma:
            raise SpecError(
                f"inner {self.inner:g} is not below sigma {self.sigma:g}; inhibition would be"
                " negative away from the centre",
                where="profile.inner",
            )
        if self.depth > 1.0:
            raise SpecError(
                f"depth {self.depth:g} is above 1; inhibition would be negative at the centre",
                where="profile.depth",
            )

    def at(self, distance: Annotated[FloatArray, In("1")]) -> FloatArray:
        """Relative strength: 1 - depth at the centre."""
        return _gauss(distance, self.sigma) - self.depth * _gauss(distance, self.inner)


@final
@dataclass(frozen=True)
class Tabulated(RadialProfile):
    """Strengths at distances 0, 1, 2, ..., linear between them and zero beyond the last one.

    Parameters
    ----------
    values : sequence of float
        Never negative. The first is for other maps at the same place; a neuron does not inhibit
        itself.
    """

    values: tuple[Number, ...]

    def __post_init__(self) -> None:
        if not is_several(self.values) or not len(self.values):
            raise SpecError(
                f"{self.values!r} is not a list of strengths by distance", where="profile.values"
            )
        values = tuple(
            np.atleast_1d(plain_values(self.values, "1", where="profile.values")).tolist()
        )
        if min(values) < 0:
            raise SpecError("a negative strength would excite", where="profile.values")
        object.__setattr__(self, "values", values)

    def at(self, distance: Annotated[FloatArray, In("1")]) -> FloatArray:
        """Relative strength by linear interpolation."""
        distance = plain_array(distance, "1", where="distance")
        return np.interp(distance, np.arange(len(self.values)), self.values, right=0.0)


#: Kind in documents → class.
PROFILES: dict[str, type[RadialProfile]] = {
    "gaussian": Gaussian,
    "difference-of-gaussians": DifferenceOfGaussians,
    "tabulated": Tabulated,
}


def checked_profile(profile: Any) -> RadialProfile | None:
    """A profile, or a list of strengths by distance; None stays None."""
    if profile is None or isinstance(profile, RadialProfile):
        return profile
    if is_several(profile):
        return Tabulated(profile)
    known = ", ".join(cls.__name__ for cls in PROFILES.values())
    raise SpecError(
        f"{profile!r} is not a radial profile; give one of {known}, or a list of strengths by"
        " distance",
        where="profile",
    )


def _gauss(distance: FloatArray, sigma: float) -> FloatArray:
    return np.exp(-0.5 * (plain_array(distance, "1", where="distance") / sigma) ** 2)


def _positive(value: Any, name: str) -> float:
    number = plain(value, "1", where=f"profile.{name}")
    if number <= 0:
        raise SpecError(f"{number:g} is not positive", where=f"profile.{name}")
    return number
