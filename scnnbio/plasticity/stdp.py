"""Spike-timing dependent plasticity by pairs and by triplets of spikes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, final, get_args

from scnnbio.errors import SpecError
from scnnbio.plasticity._fields import check_choice, check_positive, make_plain
from scnnbio.plasticity.rules import LearningRule, Pairing, Trace, TraceRule
from scnnbio.units import Milliseconds, Number
from scnnbio.values import FrozenTable

Bounds = Literal["soft", "hard", "power"]
#: Factors on potentiation and depression, by bounds.
TOWARDS = {
    "soft": ("*(w_max - w)", "*(w - w_min)"),
    "hard": ("", ""),
    "power": ("*(w_max - w)**mu", "*(w - w_min)**mu"),
}


@dataclass(frozen=True, kw_only=True)
class BoundedRule(LearningRule):
    """A rule whose amplitudes can scale with a weight's distance to its bounds."""

    bounds: Bounds = "soft"
    mu: Number | None = None
    pairing: Pairing = "all-to-all"

    def _check(self, taus: tuple[str, ...], amplitudes: tuple[str, ...]) -> None:
        make_plain(self, "plasticity", "ms", *taus)
        make_plain(self, "plasticity", "1", *amplitudes, optional=("mu",))
        check_positive(self, "plasticity", "ms", *taus)
        check_positive(self, "plasticity", "", "mu")
        for name in amplitudes:
            if getattr(self, name) < 0:
                raise SpecError(f"{name} is negative; give its size", where=f"plasticity.{name}")
        check_choice(self.bounds, get_args(Bounds), "plasticity.bounds")
        check_choice(self.pairing, get_args(Pairing), "plasticity.pairing")
        if (self.bounds == "power") != (self.mu is not None):
            raise SpecError(
                "'power' bounds take an exponent, and only they do; give both or none",
                where="plasticity.mu",
            )

    def _written(
        self, traces: dict[str, Trace], on_pre: str, on_post: str, *amplitudes: str, **more: Any
    ) -> TraceRule:
        """The rule in terms of traces, with the values of the names in its expressions."""
        values = {name: getattr(self, name) for name in amplitudes}
        values |= {} if self.mu is None else {"mu": self.mu}
        shared = {name: getattr(self, name) for name in LearningRule.__dataclass_fields__} | more
        return TraceRule(traces=traces, on_pre=on_pre, on_post=on_post, parameters=values, **shared)


@final
@dataclass(frozen=True)
class SharedSTDP(BoundedRule):
    r"""Pair-based STDP of a kernel that all places of the layer share.

    With traces :math:`x_i` (of arriving presynaptic spikes, time constant ``tau_plus``) and
    :math:`y_j` (of postsynaptic spikes, ``tau_minus``)::

        presynaptic arrival:   w -= a_minus * y_j * F_minus(w)
        postsynaptic spike:    w += a_plus * x_i * F_plus(w) - a_post * F_minus(w)

    ``soft`` bounds: F_plus = w_max - w, F_minus = w - w_min. ``hard`` bounds: both 1. ``power``:
    the soft factors to the power ``mu``, between the two. The weight is clipped to its bounds in
    every case. See :class:`LearningRule` for the order of events.

    Parameters
    ----------
    tau_plus, tau_minus : float
        Time constants of the traces in ms.
    a_plus, a_minus : float
        Potentiation and depression of a pair: with hard bounds the change of the weight, with soft
        ones the fraction of the way to the bound.
    a_post : float
        Depression at every postsynaptic spike, paired or not (w_out of Kempter et al. 1999): what
        lets a synapse weaken whose input stays silent.
    bounds : {"soft", "hard", "power"}
        How a change depends on the weight's distance from its bounds.
    mu : float, optional
        Exponent of ``power`` bounds, above 0.
    pairing : {"all-to-all", "nearest"}
        Which spikes are paired; see :class:`Trace`. Nearest is the symmetric scheme.
    w_min, w_max, half_life, growth, normalisation
        As of every :class:`LearningRule`.

    Raises
    ------
    SpecError
        If a time constant or rate is not positive, or the bounds are crossed.

    References
    ----------
    Song, Miller & Abbott 2000, Nat Neurosci 3:919 (pairs, hard bounds); van Rossum, Bi & Turrigiano
    2000, J Neurosci 20:8812 (soft bounds); Gutig, Aharonov, Rotter & Sompolinsky 2003, J Neurosci
    23:3697 (power law); Kempter, Gerstner & van Hemmen 1999, Phys Rev E 59:4498 (single-spike
    terms); Morrison, Diesmann & Gerstner 2008, Biol Cybern 98:459 (pairing schemes).
    """

    tau_plus: Milliseconds = 17.0
    tau_minus: Milliseconds = 34.0
    a_plus: Number = 0.01
    a_minus: Number = 0.0
    a_post: Number = 0.0
    kind: Literal["pair"] = field(default="pair", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check(("tau_plus", "tau_minus"), ("a_plus", "a_minus", "a_post"))

    def as_traces(self) -> TraceRule:
        """The rule in terms of traces, which is all that a backend needs."""
        up, down = TOWARDS[self.bounds]
        traces = {
            "x": Trace("pre", self.tau_plus, self.pairing),
            "y": Trace("post", self.tau_minus, self.pairing),
        }
        # Terms with a factor of zero are omitted, so that they cost nothing.
        on_pre = f"-a_minus*y{down}" if self.a_minus else ""
        on_post = f"a_plus*x{up}" if self.a_plus else ""
        on_post += f" - a_post{down}" if self.a_post else ""
        return self._written(traces, on_pre, on_post.strip(), "a_plus", "a_minus", "a_post")


@final
@dataclass(frozen=True)
class TripletSTDP(BoundedRule):
    r"""Triplet STDP of a kernel that all places of the layer share.

    With fast traces :math:`r_1` (presynaptic, ``tau_plus``) and :math:`o_1` (postsynaptic,
    ``tau_minus``) and slow ones :math:`r_2` (``tau_x``) and :math:`o_2` (``tau_y``)::

        presynaptic arrival:   w -= o1 * (a2_minus + a3_minus * r2) * F_minus(w)
        postsynaptic spike:    w += r1 * (a2_plus + a3_plus * o2) * F_plus(w)

    Slow traces are read before the spike updates them. Without bounds (``hard``, far apart) this is
    the rule as published, which explains why pairs potentiate more when they are repeated faster.
    The default is the full model fitted to visual cortex with all-to-all pairing; other fits are
    those of :meth:`published`.

    Parameters
    ----------
    tau_plus, tau_minus : float
        Time constants of the fast traces in ms.
    tau_x, tau_y : float
        Time constants of the slow presynaptic and postsynaptic trace in ms.
    a2_plus, a3_plus : float
        Potentiation by a pair (pre, post) and by a triplet (post, pre, post).
    a2_minus, a3_minus : float
        Depression by a pair (post, pre) and by a triplet (pre, post, pre).
    bounds : {"soft", "hard", "power"}
        As of :class:`SharedSTDP`.
    mu : float, optional
        Exponent of ``power`` bounds, above 0.
    pairing : {"all-to-all", "nearest"}
        Of all four traces; see :class:`Trace`.
    w_min, w_max, half_life, growth, normalisation
        As of every :class:`LearningRule`.

    Raises
    ------
    SpecError
        If a time constant or rate is not positive, or the bounds are crossed.

    References
    ----------
    Pfister & Gerstner 2006, J Neurosci 26:9673.
    """

    tau_plus: Milliseconds = 16.8
    tau_minus: Milliseconds = 33.7
    tau_x: Milliseconds = 101.0
    tau_y: Milliseconds = 125.0
    a2_plus: Number = 5e-10
    a3_plus: Number = 6.2e-3
    a2_minus: Number = 7e-3
    a3_minus: Number = 2.3e-4
    bounds: Bounds = field(default="hard", kw_only=True)
    kind: Literal["triplet"] = field(default="triplet", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check(
            ("tau_plus", "tau_minus", "tau_x", "tau_y"),
            ("a2_plus", "a3_plus", "a2_minus", "a3_minus"),
        )

    @classmethod
    def published(
        cls,
        data: Literal["visual-cortex", "hippocampus"] = "visual-cortex",
        model: Literal["full", "minimal"] = "full",
        pairing: Pairing = "all-to-all",
        **changes: Any,
    ) -> TripletSTDP:
        """The rule with a set of parameters that Pfister & Gerstner 2006 fitted.

        Parameters
        ----------
        data : {"visual-cortex", "hippocampus"}
            Pairs at several frequencies in slices of visual cortex (Sjostrom, Turrigiano & Nelson
            2001, Neuron 32:1149; their table 3), or pairs, triplets and quadruplets in hippocampal
            culture (Wang, Gerkin, Nauen & Bi 2005, Nat Neurosci 8:187; their table 4).
        model : {"full", "minimal"}
            The minimal models leave out ``a3_minus``, and for visual cortex ``a2_plus`` too.
        pairing : {"all-to-all", "nearest"}
        **changes
            Fields that differ from the published ones.

        Returns
        -------
        TripletSTDP

        Raises
        ------
        SpecError
            If there is no such fit.

        Examples
        --------
        >>> TripletSTDP.published("visual-cortex", "minimal").tau_y
        114.0
        """
        if (data, model, pairing) not in PFISTER_GERSTNER_2006:
            raise SpecError(
                f"no fit to {data!r}, {model!r}, {pairing!r}; data are 'visual-cortex' or"
                " 'hippocampus', models 'full' or 'minimal', pairings 'all-to-all' or 'nearest'",
                where="plasticity",
            )
        fitted = PFISTER_GERSTNER_2006[data, model, pairing]
        return cls(**{**fitted, "pairing": pairing, **changes})

    def as_traces(self) -> TraceRule:
        """The rule in terms of traces, which is all that a backend needs."""
        up, down = TOWARDS[self.bounds]
        traces = {
            "r1": Trace("pre", self.tau_plus, self.pairing),
            "r2": Trace("pre", self.tau_x, self.pairing),
            "o1": Trace("post", self.tau_minus, self.pairing),
            "o2": Trace("post", self.tau_y, self.pairing),
        }
        # Terms with a factor of zero are omitted, so that they cost nothing.
        plus = ["a2_plus"] * bool(self.a2_plus) + ["a3_plus*o2"] * bool(self.a3_plus)
        minus = ["a2_minus"] * bool(self.a2_minus) + ["a3_minus*r2"] * bool(self.a3_minus)
        return self._written(
            traces,
            f"-o1*({' + '.join(minus)}){down}" if minus else "",
            f"r1*({' + '.join(plus)}){up}" if plus else "",
            *("a2_plus", "a3_plus", "a2_minus", "a3_minus"),
        )


def _fit(a2_plus: float, a3_plus: float, a2_minus: float, a3_minus: float, **tau: float) -> Any:
    amplitudes = {"a2_plus": a2_plus, "a3_plus": a3_plus, "a2_minus": a2_minus}
    return FrozenTable({**amplitudes, "a3_minus": a3_minus, **tau})


#: By data, model and pairing: tables 3 and 4 of Pfister & Gerstner 2006, J Neurosci 26:9673, with
#: tau_plus = 16.8 and tau_minus = 33.7 ms throughout. Minimal models do not use tau_x.
PFISTER_GERSTNER_2006 = FrozenTable(
    {
        ("visual-cortex", "full", "all-to-all"): _fit(
            5e-10, 6.2e-3, 7e-3, 2.3e-4, tau_x=101.0, tau_y=125.0
        ),
        ("visual-cortex", "minimal", "all-to-all"): _fit(0.0, 6.5e-3, 7.1e-3, 0.0, tau_y=114.0),
        ("visual-cortex", "full", "nearest"): _fit(
            8.8e-11, 5.3e-2, 6.6e-3, 3.1e-3, tau_x=714.0, tau_y=40.0
        ),
        ("visual-cortex", "minimal", "nearest"): _fit(0.0, 5e-2, 8e-3, 0.0, tau_y=40.0),
        ("hippocampus", "full", "all-to-all"): _fit(
            6.1e-3, 6.7e-3, 1.6e-3, 1.4e-3, tau_x=946.0, tau_y=27.0
        ),
        ("hippocampus", "minimal", "all-to-all"): _fit(5.3e-3, 8e-3, 3.5e-3, 0.0, tau_y=40.0),
        ("hippocampus", "full", "nearest"): _fit(
            4.6e-3, 9.1e-3, 3e-3, 7.5e-9, tau_x=575.0, tau_y=47.0
        ),
        ("hippocampus", "minimal", "nearest"): _fit(4.6e-3, 9.1e-3, 3e-3, 0.0, tau_y=48.0),
    }
)
