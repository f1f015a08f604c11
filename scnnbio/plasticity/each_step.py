"""What a learning rule does in every step, from states of the postsynaptic neuron."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, final

from scnnbio.errors import SpecError, hint, not_one_of
from scnnbio.neurons.parsing import check_name, check_number
from scnnbio.plasticity._fields import check_positive, make_plain
from scnnbio.units import Milliseconds
from scnnbio.units.table import PLAIN
from scnnbio.values import FrozenTable, Value

#: Name of the eligibility in ``change``. No trace, parameter or state can have it.
ELIGIBILITY = "e"
#: Most connections of a projection that changes in each step. Each stores an eligibility and its
#: two neurons and kernel element, and costs a few operations per step.
MOST_CONNECTIONS = 20_000_000
_WHERE = "plasticity.each_step"


@final
@dataclass(frozen=True)
class EachStep(Value):
    r"""A change of weights in every step, by what the postsynaptic neuron is at that time.

    Each connection has an eligibility of its own, a trace with the time constant ``tau``. In every
    step, for all connections::

        e <- exp(-dt/tau) * e + eligible
        w <- w + sum of change over the places that share w

    Both expressions may use the traces and parameters of the rule, ``w``, ``w_min``, ``w_max`` and
    the states of the postsynaptic neuron that ``states`` names; ``change`` may also use ``e``. They
    are evaluated after all spikes of the step have arrived, with the states that are compared with
    the threshold, before neurons are reset and before ``on_post``. Presynaptic traces include the
    spikes that arrive in this step, postsynaptic ones not those that are fired in it. All weights
    change together, and each is clipped once.

    So a learning signal for each neuron is a state of that neuron, which a projection or an
    injected current moves like any other.

    Parameters
    ----------
    change : str
        Change of ``w`` in a step, for each connection.
    states : mapping of str to str
        States of the postsynaptic neuron that the expressions read: name → the unit in which the
        numbers are, which is the one that the neuron's equations have.
    eligible : str
        What a step adds to the eligibility of each connection. Empty: there is no eligibility.
    tau : float, optional
        Time constant of the eligibility in ms; required with ``eligible``.

    Raises
    ------
    SpecError
        If an expression is not arithmetic, the time constant is not positive, one of eligibility
        and time constant is missing, or a unit is unknown.

    References
    ----------
    Bellec et al. 2020, Nat Commun 11:3625 (e-prop, which has this form).
    """

    change: str
    states: Mapping[str, str] = field(default_factory=dict)
    eligible: str = ""
    tau: Milliseconds | None = None

    def __post_init__(self) -> None:
        make_plain(self, _WHERE, "ms", optional=("tau",))
        check_positive(self, _WHERE, "ms", "tau")
        check_number(self.change, where=f"{_WHERE}.change")
        if self.eligible != "":
            check_number(self.eligible, where=f"{_WHERE}.eligible")
        if (self.eligible == "") != (self.tau is None):
            raise SpecError(
                "an eligibility needs the expression 'eligible' and the time constant 'tau'; give"
                " both or none",
                where=_WHERE,
            )
        if not isinstance(self.states, Mapping):
            raise SpecError("is not a table", where=f"{_WHERE}.states")
        for name, unit in self.states.items():
            where = f"{_WHERE}.states.{name}"
            check_name(name, where)
            if not isinstance(unit, str) or unit not in PLAIN:
                raise SpecError(not_one_of(unit, PLAIN), where=where)
        object.__setattr__(self, "states", FrozenTable(self.states))

    @property
    def texts(self) -> dict[str, str]:
        """Both expressions by the names of their fields; without an empty one."""
        return {n: t for n in ("eligible", "change") if (t := getattr(self, n))}

    def check_names(self, others: tuple[str, ...]) -> None:
        """Raise for names in the expressions that the rule does not know, or that mean two things.

        Parameters
        ----------
        others : tuple of str
            Names of traces and parameters, and those that every rule knows.

        Raises
        ------
        SpecError
        """
        for name in self.states:
            if name in others or name == ELIGIBILITY:
                raise SpecError(
                    f"{name!r} already means something else in this rule; rename the state or the"
                    " other",
                    where=f"{_WHERE}.states.{name}",
                )
        for part, text in self.texts.items():
            known = [*others, *self.states]
            known += [ELIGIBILITY] if part == "change" and self.eligible else []
            unknown = check_number(text) - set(known)
            if unknown:
                first = min(unknown)
                raise SpecError(
                    f"{first!r} is neither a trace, a parameter nor one of 'states';"
                    f" {hint(first, known, 'known are')}",
                    where=f"{_WHERE}.{part}",
                )

    def check_ends(self, post: Any, weights: int) -> None:
        """Raise unless the postsynaptic neurons have the states, and connections are not too many.

        Parameters
        ----------
        post : Population
        weights : int
            Number of elements of the kernel; at most, each is used once at each place.

        Raises
        ------
        SpecError
        """
        units = {state.name: post.model.unit_of(state.name) for state in post.model.states}
        for name, unit in self.states.items():
            where = f"{_WHERE}.states.{name}"
            if name not in units:
                raise SpecError(
                    f"{post.model.name} has no state {name!r}; {hint(name, units, 'it has')}",
                    where=where,
                )
            if units[name] != unit:
                raise SpecError(
                    f"{name!r} of {post.model.name} is in {units[name]!r}, not in {unit!r}; write"
                    f" {units[name]!r}, and the numbers of the rule in it",
                    where=where,
                )
        if post.competition is not None:
            raise SpecError(
                f"in {post.name!r} only winners learn, but this rule changes weights of all"
                " neurons in each step; leave one of the two out",
                where=_WHERE,
            )
        most = math.prod(post.shape[1:]) * weights
        if most > MOST_CONNECTIONS:
            raise SpecError(
                f"each of up to {most:,} connections changes in each step, and stores what it"
                f" needs for that; at most {MOST_CONNECTIONS:,} are allowed: make the layer or the"
                " kernel smaller",
                where=_WHERE,
            )
