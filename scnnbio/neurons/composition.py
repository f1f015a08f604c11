"""Neurons composed of parts: a membrane, synapses, adaptation, a threshold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from scnnbio.errors import SpecError
from scnnbio.neurons.model import NeuronModel
from scnnbio.neurons.variables import Parameter

T = TypeVar("T")

#: Range of time constants, capacitances and other divisors; range of durations and conductances.
POSITIVE, NOT_NEGATIVE = "(0, inf)", "[0, inf)"


@dataclass(frozen=True)
class Part:
    """One part of a neuron, such as its synapses.

    Parameters
    ----------
    currents : tuple of str
        Terms of the membrane current (inward is positive), in amperes.
    equations : tuple of str
        Its own state variables, as in :class:`~scnnbio.neurons.NeuronModel`.
    thresholds : tuple of str
        Terms added to the threshold, in volts.
    resets : tuple of str
        Statements at a spike, after the membrane's.
    parameters : mapping of str to Parameter
    receptors : mapping of str to str
    """

    currents: tuple[str, ...] = ()
    equations: tuple[str, ...] = ()
    thresholds: tuple[str, ...] = ()
    resets: tuple[str, ...] = ()
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    receptors: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Membrane:
    """The equation of the membrane potential, with a placeholder for currents.

    Parameters
    ----------
    rate : str
        Right-hand side of dv/dt; ``{currents}`` is replaced by the sum of the currents.
    threshold : str
        Expression that v is compared with.
    reset : str
        Statements at a spike.
    parameters : mapping of str to Parameter
    equations : tuple of str
        State variables that belong to the membrane.
    initial : mapping of str to str
        State variable → parameter with its initial value.
    """

    rate: str
    threshold: str
    reset: str
    parameters: Mapping[str, Parameter]
    equations: tuple[str, ...] = ()
    initial: Mapping[str, str] = field(default_factory=lambda: {"v": "v_rest"})


def compose(
    name: str,
    membrane: Membrane,
    parts: Sequence[Part] = (),
    *,
    reference: str,
    parameters: Mapping[str, Parameter] | None = None,
) -> NeuronModel:
    """Compose a neuron from a membrane and parts.

    Parameters
    ----------
    name : str
    membrane : Membrane
    parts : sequence of Part
        In the order in which their statements run at a spike.
    reference : str
        Source of the equations.
    parameters : mapping of str to Parameter, optional
        Defaults that replace those of the parts.

    Returns
    -------
    NeuronModel
        With the refractory period ``tau_refrac`` and the constant current ``i_offset``.

    Raises
    ------
    SpecError
        If two parts have the same parameter with different defaults, the same receptor, or the same
        state variable.
    """
    terms = [term for part in parts for term in part.currents]
    # Terms are joined by plus, unless they begin with a minus.
    currents = " + ".join([*terms, "i_offset"]).replace("+ -", "- ")
    lines = [f"dv/dt = {membrane.rate.format(currents=currents)} : volt (unless refractory)"]
    lines += [*membrane.equations, *(line for part in parts for line in part.equations)]
    thresholds = [membrane.threshold, *(term for part in parts for term in part.thresholds)]
    resets = [membrane.reset, *(line for part in parts for line in part.resets)]
    tables = [_OWN, membrane.parameters, *(part.parameters for part in parts)]
    known = _joined(name, "parameter", tables)
    return NeuronModel(
        name=name,
        equations="\n".join(lines) + "\n",
        threshold=f"v >= {' + '.join(thresholds)}",
        reset="; ".join(filter(None, resets)),
        refractory="tau_refrac",
        parameters={**known, **(parameters or {})},
        receptors=_joined(name, "receptor", [part.receptors for part in parts]),
        initial=membrane.initial,
        reference=reference,
    )


_OWN = {"tau_refrac": Parameter(0.0, "ms", NOT_NEGATIVE), "i_offset": Parameter(0.0, "nA")}


def _joined(name: str, kind: str, tables: Iterable[Mapping[str, T]]) -> dict[str, T]:
    joined: dict[str, T] = {}
    for table in tables:
        for key, value in table.items():
            # Parts may share a parameter, such as a time constant, but not a receptor.
            if key in joined and (kind == "receptor" or joined[key] != value):
                raise SpecError(f"two parts have the {kind} {key!r}; rename one", where=name)
            joined[key] = value
    return joined
