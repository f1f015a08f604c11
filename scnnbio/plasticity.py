"""Learning rules, as data: what a backend lowers, and what the reference computes slowly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from scnnbio.errors import SpecError
from scnnbio.units import plain

_OPTIONAL = ("half_life", "minimum")


@dataclass(frozen=True)
class SharedSTDP:
    r"""Pair-based STDP on a kernel that every place of the layer shares.

    With traces :math:`x_i` (jump 1 at each arriving presynaptic spike, time constant ``tau_plus``)
    and :math:`y_j` (jump 1 at each postsynaptic spike, ``tau_minus``), all to all::

        presynaptic arrival:   w -= a_minus * y_j * F_minus(w)
        postsynaptic spike:    w += a_plus * x_i * F_plus(w) - a_post * F_minus(w)

    ``soft`` bounds: F_plus = w_max - w, F_minus = w - w_min. ``hard`` bounds: both 1, and w is cut
    to the bounds. Every place that uses a kernel element contributes, one after another, in the
    order of the spiking neurons. Delays are axonal: the rule pairs the arrival of the presynaptic
    spike with the emission of the postsynaptic one, and at the same stamp the arrival comes first.

    Parameters
    ----------
    tau_plus, tau_minus : float
        Time constants of the traces in ms.
    a_plus, a_minus : float
        Potentiation and depression of a pair, as fractions of the kernel's range.
    a_post : float
        Depression at every postsynaptic spike, paired or not (w_out of Kempter et al. 1999): what
        lets a synapse weaken whose input stays silent.
    w_min, w_max : float
        Bounds of a kernel element.
    bounds : {"soft", "hard"}
    half_life : float, optional
        Time in ms after which all three rates have halved; None keeps them constant.

    Raises
    ------
    SpecError
        If a time constant or rate is not positive, or the bounds are crossed.

    References
    ----------
    Song, Miller & Abbott 2000, Nat Neurosci 3:919 (pairs, hard bounds); van Rossum, Bi & Turrigiano
    2000, J Neurosci 20:8812 (soft bounds); Kempter, Gerstner & van Hemmen 1999, Phys Rev E 59:4498
    (single-spike terms).
    """

    tau_plus: float = 17.0
    tau_minus: float = 34.0
    a_plus: float = 0.01
    a_minus: float = 0.0
    a_post: float = 0.0
    w_min: float = 0.0
    w_max: float = 1.0
    bounds: Literal["soft", "hard"] = "soft"
    half_life: float | None = None

    def __post_init__(self) -> None:
        _make_plain(self, "plasticity", "ms", "tau_plus", "tau_minus", "half_life")
        _make_plain(self, "plasticity", "1", "a_plus", "a_minus", "a_post", "w_min", "w_max")
        for name in ("tau_plus", "tau_minus", "half_life"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise SpecError(f"{value} ms is not positive", where=f"plasticity.{name}")
        for name in ("a_plus", "a_minus", "a_post"):
            if getattr(self, name) < 0:
                raise SpecError(f"{name} is negative; give its size", where=f"plasticity.{name}")
        if self.w_min >= self.w_max:
            raise SpecError(
                f"w_min {self.w_min} is not below w_max {self.w_max}", where="plasticity"
            )
        if self.bounds not in ("soft", "hard"):
            raise SpecError(f"{self.bounds!r} is not 'soft' or 'hard'", where="plasticity.bounds")

    def slowing(self, dt: float) -> float:
        """Factor on all rates in a step of ``dt`` ms."""
        return _slowing(self.half_life, dt)


@dataclass(frozen=True)
class SharedThreshold:
    r"""A threshold that a whole map shares and that equalises how often maps win.

    Every spike of map m raises its threshold by ``eta``; between spikes the threshold falls at
    ``eta * target``, so that it rests where the map fires ``target`` spikes a second over all its
    places::

        d theta_m / dt = eta * (sum of the map's spike trains - target)

    Parameters
    ----------
    eta : float
        Rise per spike in mV.
    target : float or tuple of float (channels,)
        Spikes per second and map, all places together: the same for every map, or one for each.
    minimum : float, optional
        The threshold in mV that it does not fall below; None sets no floor.
    parameter : str
        The neuron's parameter that is moved.
    half_life : float, optional
        Time in ms after which ``eta`` has halved; None keeps it constant.

    Raises
    ------
    SpecError
        If ``eta`` or ``target`` is not positive.

    References
    ----------
    Diehl & Cook 2015, Front Comput Neurosci 9:99 (adaptive threshold); Foldiak 1990, Biol Cybern
    64:165 (threshold driven to a set rate); shared by a map as its kernel is.
    """

    eta: float
    target: float | tuple[float, ...]
    minimum: float | None = None
    parameter: str = "v_thresh"
    half_life: float | None = None

    def __post_init__(self) -> None:
        _make_plain(self, "homeostasis", "mV", "eta", "minimum")
        _make_plain(self, "homeostasis", "ms", "half_life")
        if self.half_life is not None and self.half_life <= 0:
            raise SpecError(f"{self.half_life} ms is not positive", where="homeostasis.half_life")
        if not isinstance(self.parameter, str):
            raise SpecError(f"{self.parameter!r} is not a name", where="homeostasis.parameter")
        object.__setattr__(self, "target", _targets(self.target))
        if self.eta <= 0:
            raise SpecError(f"{self.eta} mV is not positive", where="homeostasis.eta")

    def slowing(self, dt: float) -> float:
        """Factor on ``eta`` in a step of ``dt`` ms."""
        return _slowing(self.half_life, dt)

    def fall(self, channels: int, dt: float) -> NDArray[np.float64]:
        """How far each map's threshold falls in a step of ``dt`` ms, in mV (channels,).

        Raises
        ------
        SpecError
            If there are several targets, but not one for each of the ``channels``.
        """
        targets = np.atleast_1d(np.asarray(self.target, dtype=float))
        if len(targets) not in (1, channels):
            raise SpecError(
                f"{len(targets)} targets for {channels} channels; give one, or one a channel",
                where="homeostasis.target",
            )
        return self.eta * np.broadcast_to(targets, (channels,)) * dt * 1e-3


def _slowing(half_life: float | None, dt: float) -> float:
    return 1.0 if half_life is None else 2.0 ** (-dt / half_life)


def _targets(value: Any) -> float | tuple[float, ...]:
    where = "homeostasis.target"
    several = isinstance(value, list | tuple | np.ndarray)
    targets = tuple(plain(target, "Hz", where=where) for target in (value if several else [value]))
    if not targets or min(targets) <= 0:
        raise SpecError("a target must be positive", where=where)
    return targets if several else targets[0]


def _make_plain(rule: object, where: str, unit: str, *names: str) -> None:
    """Strip the units of a rule's fields, and refuse numbers that are not finite."""
    for name in names:
        value = getattr(rule, name)
        if value is not None or name not in _OPTIONAL:
            object.__setattr__(rule, name, plain(value, unit, where=f"{where}.{name}"))
