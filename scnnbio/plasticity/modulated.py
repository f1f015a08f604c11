"""Spike-timing dependent plasticity that a reward modulates."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, final

from scnnbio.errors import SpecError
from scnnbio.plasticity._fields import check_positive, make_plain
from scnnbio.plasticity.reward import Reward
from scnnbio.plasticity.rules import Trace, TraceRule
from scnnbio.plasticity.stdp import TOWARDS, BoundedRule, Bounds
from scnnbio.units import Milliseconds, Number


@dataclass(frozen=True)
class _ModulatedRule(BoundedRule):
    """A pair rule whose changes wait for a reward.

    The default time constants, 20 ms of pairs and 25 ms of the eligibility, are those with which
    the library Inferno repeats a figure of Florian 2007. They were not read in the paper.
    """

    tau_plus: Milliseconds = 20.0
    tau_minus: Milliseconds = 20.0
    a_plus: Number = 0.01
    a_minus: Number = 0.01
    reward: Reward = field(kw_only=True)
    bounds: Bounds = field(default="hard", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check(("tau_plus", "tau_minus"), ("a_plus", "a_minus"))
        if not isinstance(self.reward, Reward):
            raise SpecError(f"{self.reward!r} is not a Reward", where="plasticity.reward")

    def _modulated(self, eligibility: float | None) -> TraceRule:
        up, down = TOWARDS[self.bounds]
        traces = {
            "x": Trace("pre", self.tau_plus, self.pairing),
            "y": Trace("post", self.tau_minus, self.pairing),
        }
        on_pre = f"-a_minus*y{down}" if self.a_minus else ""
        on_post = f"a_plus*x{up}" if self.a_plus else ""
        waits = {"reward": self.reward, "eligibility": eligibility}
        return self._written(traces, on_pre, on_post, "a_plus", "a_minus", **waits)


@final
@dataclass(frozen=True)
class MSTDP(_ModulatedRule):
    r"""Modulated STDP: the reward of a step times the pair changes of the step before.

    With the changes :math:`\zeta` of :class:`SharedSTDP` in a step, summed over all places that
    share the weight::

        w(t + dt) = w(t) + r(t + dt) * zeta(t)

    So a spike is rewarded if the reward follows it within a step. For a later reward, use
    :class:`MSTDPET`, or a reward that lasts.

    Parameters
    ----------
    tau_plus, tau_minus : float
        Time constants of the traces in ms.
    a_plus, a_minus : float
        Size of the changes that pairs propose: pre before post, and post before pre.
    reward : Reward
    bounds : {"hard", "soft", "power"}
    mu : float, optional
        Exponent of ``power`` bounds, above 0.
    pairing : {"all-to-all", "nearest"}
    w_min, w_max, half_life, growth, normalisation
        As of every :class:`LearningRule`.

    Raises
    ------
    SpecError
        As of :class:`SharedSTDP`, and without a reward.

    References
    ----------
    Florian 2007, Neural Comput 19:1468.
    """

    kind: Literal["mstdp"] = field(default="mstdp", kw_only=True)

    def as_traces(self) -> TraceRule:
        """The rule in terms of traces, which is all that a backend needs."""
        return self._modulated(None)


@final
@dataclass(frozen=True)
class MSTDPET(_ModulatedRule):
    r"""Modulated STDP with an eligibility trace, which lets a reward come later.

    The changes :math:`\zeta` of :class:`SharedSTDP` add to an eligibility, which decays::

        tau_e * de/dt = -e,  at a change: e += zeta
        w(t + dt) = w(t) + r(t + dt) * e(t + dt)

    Florian divides :math:`\zeta` by ``tau_e``, as BindsNET has it; here this factor is part of
    ``a_plus`` and ``a_minus``.

    Parameters
    ----------
    tau_plus, tau_minus : float
        Time constants of the traces in ms.
    a_plus, a_minus : float
        Size of the changes that pairs propose: pre before post, and post before pre.
    tau_e : float
        Time constant of the eligibility in ms.
    reward : Reward
    bounds, mu, pairing
        As of :class:`MSTDP`.
    w_min, w_max, half_life, growth, normalisation
        As of every :class:`LearningRule`.

    Raises
    ------
    SpecError
        As of :class:`MSTDP`.

    References
    ----------
    Florian 2007, Neural Comput 19:1468.
    """

    tau_e: Milliseconds = 25.0
    kind: Literal["mstdpet"] = field(default="mstdpet", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        make_plain(self, "plasticity", "ms", "tau_e")
        check_positive(self, "plasticity", "ms", "tau_e")

    def as_traces(self) -> TraceRule:
        """The rule in terms of traces, which is all that a backend needs."""
        return self._modulated(self.tau_e)
