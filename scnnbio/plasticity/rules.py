"""Learning rules in the form for backends: traces of spikes, and changes of weights by spikes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, final, get_args

import numpy as np
from numpy.typing import NDArray

from scnnbio.errors import SpecError, hint
from scnnbio.neurons.names import check_variable
from scnnbio.neurons.parsing import check_name, check_number
from scnnbio.plasticity._fields import check_choice, check_positive, decay_factor, make_plain
from scnnbio.plasticity.control import Growth, Normalisation
from scnnbio.plasticity.each_step import EachStep
from scnnbio.plasticity.reward import Reward
from scnnbio.units import In, Milliseconds, Number, plain, plain_array
from scnnbio.values import FrozenTable, Value, fields_of

Pairing = Literal["all-to-all", "nearest"]
_KNOWN = ("w", "w_min", "w_max")


@final
@dataclass(frozen=True)
class Trace(Value):
    r"""An exponentially decaying trace of a neuron's spikes.

    Parameters
    ----------
    side : {"pre", "post"}
        Spikes that arrive from a presynaptic neuron, or those of a postsynaptic one.
    tau : float
        Time constant in ms.
    pairing : {"all-to-all", "nearest"}
        Effect of a spike: "all-to-all" adds 1, so that all spikes count; "nearest" sets the trace
        to 1, so that only the last one counts. With both sides nearest, each spike is paired with
        the last one of the other side: the symmetric scheme of Morrison et al. 2008.

    Raises
    ------
    SpecError
        If the time constant is not positive.

    References
    ----------
    Morrison, Diesmann & Gerstner 2008, Biol Cybern 98:459.
    """

    side: Literal["pre", "post"]
    tau: Milliseconds
    pairing: Pairing = "all-to-all"

    def __post_init__(self) -> None:
        make_plain(self, "", "ms", "tau")
        check_positive(self, "", "ms", "tau")
        check_choice(self.side, ("pre", "post"), "side")
        check_choice(self.pairing, get_args(Pairing), "pairing")


@dataclass(frozen=True, kw_only=True)
class LearningRule(Value, ABC):
    """A rule that changes a kernel which all places of a layer share.

    Every place that uses a kernel element contributes, one after another, in the order of the
    spiking neurons, and the element is clipped to its bounds each time. Delays are axonal: a rule
    sees a presynaptic spike when it arrives and a postsynaptic one when the neuron fires; at equal
    times the arrival comes first.

    Parameters
    ----------
    w_min, w_max : float
        Bounds of a kernel element.
    half_life : float, optional
        Time in ms after which all changes have halved; None keeps them as they are.
    growth : Growth, optional
        Lets all changes grow with the number of trials; None keeps them as they are.
    normalisation : Normalisation, optional
        Holds the size of each output map's kernel.

    Raises
    ------
    SpecError
        If the bounds are crossed, or the rate is to grow and to fall.
    """

    w_min: Number = 0.0
    w_max: Number = 1.0
    half_life: Milliseconds | None = None
    growth: Growth | None = None
    normalisation: Normalisation | None = None

    def __post_init__(self) -> None:
        make_plain(self, "plasticity", "1", "w_min", "w_max")
        make_plain(self, "plasticity", "ms", optional=("half_life",))
        check_positive(self, "plasticity", "ms", "half_life")
        if self.w_min >= self.w_max:
            raise SpecError(
                f"w_min {self.w_min} is not below w_max {self.w_max}", where="plasticity"
            )
        if not isinstance(self.growth, Growth | None):
            raise SpecError(f"{self.growth!r} is not a Growth", where="plasticity.growth")
        if self.growth is not None and self.half_life is not None:
            raise SpecError(
                "the rate falls by a half_life; give one of the two", where="plasticity.growth"
            )
        if not isinstance(self.normalisation, Normalisation | None):
            raise SpecError(
                f"{self.normalisation!r} is not a Normalisation", where="plasticity.normalisation"
            )

    @abstractmethod
    def as_traces(self) -> TraceRule:
        """The rule in terms of traces, which is all that a backend needs."""

    def check_kernel(
        self, kernel: Annotated[NDArray[np.float64], In("1")], present: NDArray[np.bool_]
    ) -> None:
        """Raise for an initial kernel that violates the rule's bounds or norm.

        Parameters
        ----------
        kernel, present : ndarray (out, in, row, column)
            Weights, and which of them connect neurons.

        Raises
        ------
        SpecError
            If it leaves the bounds, or no kernel within the bounds has the norm that is held.
        """
        kernel = plain_array(kernel, "1", where="kernel")
        if kernel.min() < self.w_min or kernel.max() > self.w_max:
            raise SpecError(
                f"the kernel reaches from {kernel.min():.3g} to {kernel.max():.3g}, outside the"
                f" rule's bounds {self.w_min:.3g} to {self.w_max:.3g}"
            )
        if self.normalisation is not None:
            largest = np.where(present, max(abs(self.w_min), abs(self.w_max)), 0.0)
            most = self.normalisation.norms(largest).min()
            if self.normalisation.target > most:
                raise SpecError(
                    f"a kernel within the rule's bounds has a norm of {most:.6g} at most; lower"
                    f" the target of {self.normalisation.target:.6g}",
                    where="plasticity.normalisation.target",
                )

    def check_network(self, find: Callable[[str, str], Any], post: Any, weights: int) -> None:
        """Raise unless a network has what the rule reads.

        Parameters
        ----------
        find : callable
            Returns the population of a name, or raises an error at a path.
        post : Population
            The postsynaptic neurons.
        weights : int
            Number of elements of the kernel.

        Raises
        ------
        SpecError
            If there is no population of the reward, it fires no spikes, or the number of its
            channels is not that of the values; if the neurons lack a state that the rule reads.
        """
        each_step = self.as_traces().each_step
        if each_step is not None:
            each_step.check_ends(post, weights)
        reward = self.as_traces().reward
        if reward is None:
            return
        where = "plasticity.reward.population"
        population = find(reward.population, where)
        if population.gives_values:
            raise SpecError(
                f"{population.name!r} is a source of values and fires no spikes; let a population"
                " that fires give the reward",
                where=where,
            )
        reward.by_channel(population.shape[0])

    def decay_factor(self, dt: Milliseconds) -> float:
        """Factor on all changes per step of ``dt`` ms."""
        return decay_factor(self.half_life, plain(dt, "ms", where="dt"))


@final
@dataclass(frozen=True)
class TraceRule(LearningRule):
    """A user-defined rule, written as text in terms of traces.

    Parameters
    ----------
    traces : mapping of str to Trace
        By the name in the expressions. A presynaptic trace belongs to the source neuron of the
        weight, a postsynaptic one to its target neuron.
    on_pre, on_post : str
        Change of ``w`` when a presynaptic spike arrives, and when the postsynaptic neuron fires.
        Arithmetic on the traces, the parameters, ``w``, ``w_min`` and ``w_max``, with the functions
        that equations may use. Empty text changes nothing. Traces are read before the spike updates
        them.
    parameters : mapping of str to float
        Numbers by name.
    reward : Reward, optional
        With it, the changes add to an eligibility of the kernel element, and weights change by the
        reward times the eligibility.
    eligibility : float, optional
        Time constant of the eligibility in ms, with a reward. None: it lasts until the next step's
        reward.
    each_step : EachStep, optional
        Change of ``w`` in each step, by traces and by states of the postsynaptic neuron; in place
        of a reward.
    w_min, w_max, half_life, growth, normalisation
        As of every :class:`LearningRule`.

    Raises
    ------
    SpecError
        If an expression is not arithmetic or uses an unknown name, a name is reserved, there is
        an eligibility without a reward, or a reward and ``each_step``.

    Examples
    --------
    Pair STDP with hard bounds:

    >>> rule = TraceRule(
    ...     traces={"x": Trace("pre", 17.0), "y": Trace("post", "34 ms")},
    ...     on_pre="-a_minus*y",
    ...     on_post="a_plus*x",
    ...     parameters={"a_plus": 0.01, "a_minus": 0.005},
    ... )
    >>> rule.used("post")
    ('y',)
    """

    traces: Mapping[str, Trace] = field(default_factory=dict)
    on_pre: str = ""
    on_post: str = ""
    parameters: Mapping[str, Number] = field(default_factory=dict)
    reward: Reward | None = field(default=None, kw_only=True)
    eligibility: Milliseconds | None = field(default=None, kw_only=True)
    each_step: EachStep | None = field(default=None, kw_only=True)
    kind: Literal["traces"] = field(default="traces", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_reward()
        for name in ("traces", "parameters"):
            if not isinstance(getattr(self, name), Mapping):
                raise SpecError("is not a table", where=f"plasticity.{name}")
        for name, trace in self.traces.items():
            self._check_name(name, "traces", "a trace")
            if not isinstance(trace, Trace):
                raise SpecError(f"{trace!r} is not a Trace", where=f"plasticity.traces.{name}")
        values = {}
        for name, value in self.parameters.items():
            where = self._check_name(name, "parameters", "a parameter")
            if name in self.traces:
                raise SpecError("is the name of a trace", where=where)
            values[name] = plain(value, "1", where=where)
        object.__setattr__(self, "traces", FrozenTable(self.traces))
        object.__setattr__(self, "parameters", FrozenTable(values))
        for name in ("on_pre", "on_post"):
            self._check_change(name)
        if self.each_step is not None:
            self.each_step.check_names((*_KNOWN, *self.traces, *self.parameters))

    def _check_reward(self) -> None:
        make_plain(self, "plasticity", "ms", optional=("eligibility",))
        check_positive(self, "plasticity", "ms", "eligibility")
        if not isinstance(self.reward, Reward | None):
            raise SpecError(f"{self.reward!r} is not a Reward", where="plasticity.reward")
        if self.eligibility is not None and self.reward is None:
            raise SpecError(
                "an eligibility waits for a reward; give both or none",
                where="plasticity.eligibility",
            )
        if not isinstance(self.each_step, EachStep | None):
            raise SpecError(f"{self.each_step!r} is not an EachStep", where="plasticity.each_step")
        if self.each_step is not None and self.reward is not None:
            raise SpecError(
                "a reward and each_step both say what becomes of an eligibility; give one of them",
                where="plasticity.each_step",
            )

    def canonical_fields(self) -> dict[str, Any]:
        """All fields, without ``each_step`` if there is none.

        So rules that were described before this field was there keep their digest.
        """
        fields = fields_of(self)
        return {n: v for n, v in fields.items() if n != "each_step" or v is not None}

    @staticmethod
    def _check_name(name: object, table: str, what: str) -> str:
        where = f"plasticity.{table}.{name}"
        check_name(name, where)
        check_variable(str(name), where)
        if name in _KNOWN:
            raise SpecError(f"{name!r} means something else; give {what} another name", where=where)
        return where

    def _check_change(self, name: str) -> None:
        text, where = getattr(self, name), f"plasticity.{name}"
        if text == "":
            return
        known = [*_KNOWN, *self.traces, *self.parameters]
        unknown = check_number(text, where=where) - set(known)
        if unknown:
            first = min(unknown)
            raise SpecError(
                f"{first!r} is neither a trace nor a parameter; {hint(first, known, 'known are')}",
                where=where,
            )

    def as_traces(self) -> TraceRule:
        """The rule itself, which already is in terms of traces."""
        return self

    def used(self, side: str) -> tuple[str, ...]:
        """Names of the traces on a side, "pre" or "post", that an expression reads."""
        texts = [text for text in (self.on_pre, self.on_post) if text]
        texts += [] if self.each_step is None else self.each_step.texts.values()
        names = frozenset().union(*map(check_number, texts))
        return tuple(n for n, trace in self.traces.items() if trace.side == side and n in names)

    @property
    def constants(self) -> dict[str, float]:
        """Values of every name in the expressions that does not change."""
        return {**self.parameters, "w_min": self.w_min, "w_max": self.w_max}
