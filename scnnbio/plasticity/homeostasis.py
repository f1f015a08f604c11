"""A threshold that all neurons of a map share and that adapts during learning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scnnbio.errors import SpecError
from scnnbio.plasticity._fields import check_positive, decay_factor, make_plain
from scnnbio.units import Hertz, Milliseconds, Millivolts, plain, plain_values
from scnnbio.values import Value


@dataclass(frozen=True)
class SharedThreshold(Value):
    r"""An adaptive threshold, shared by a whole map, that equalises how often maps win.

    Every spike of map m raises its threshold by ``eta``; between spikes the threshold falls at
    ``eta * target``, so that its equilibrium is at ``target`` spikes per second over all places
    of the map::

        d theta_m / dt = eta * (sum of the map's spike trains - target)

    Parameters
    ----------
    eta : float
        Rise per spike in mV.
    target : float or tuple of float (channels,)
        Spikes per second and map, over all places: one value for all maps, or one per map.
    minimum : float, optional
        Lower bound of the threshold in mV; None for no bound.
    parameter : str
        The neuron's parameter that adapts.
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

    eta: Millivolts
    target: Hertz | tuple[Hertz, ...]
    minimum: Millivolts | None = None
    parameter: str = "v_thresh"
    half_life: Milliseconds | None = None

    def __post_init__(self) -> None:
        make_plain(self, "homeostasis", "mV", "eta", optional=("minimum",))
        make_plain(self, "homeostasis", "ms", optional=("half_life",))
        check_positive(self, "homeostasis", "ms", "half_life")
        if not isinstance(self.parameter, str):
            raise SpecError(f"{self.parameter!r} is not a name", where="homeostasis.parameter")
        object.__setattr__(self, "target", _targets(self.target))
        check_positive(self, "homeostasis", "mV", "eta")

    def decay_factor(self, dt: Milliseconds) -> float:
        """Factor on ``eta`` per step of ``dt`` ms."""
        return decay_factor(self.half_life, plain(dt, "ms", where="dt"))

    def fall(self, channels: int, dt: Milliseconds) -> NDArray[np.float64]:
        """Decrease of each map's threshold per step of ``dt`` ms, in mV (channels,).

        Raises
        ------
        SpecError
            If there are several targets, but not one for each of the ``channels``.
        """
        targets = np.atleast_1d(np.asarray(self.target, dtype=float))
        if len(targets) not in (1, channels):
            raise SpecError(
                f"{len(targets)} targets for {channels} channels; give one, or one per channel",
                where="homeostasis.target",
            )
        return self.eta * np.broadcast_to(targets, (channels,)) * plain(dt, "ms", where="dt") * 1e-3


def _targets(value: Any) -> float | tuple[float, ...]:
    where = "homeostasis.target"
    targets = plain_values(value, "Hz", where=where)
    if np.min(targets) <= 0:
        raise SpecError("a target must be positive", where=where)
    return targets
