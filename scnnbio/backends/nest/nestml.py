"""A neuron's equations as a NESTML model with its step written out.

The step is the text of :mod:`scnnbio.neurons.integrator`, and its constants are parameters, so one
compiled model serves every time step and every set of the neuron's parameters. States are named
``s_v``, the neuron's own parameters ``p_v_thresh``, initial values ``i_v``, and the constants of
the step ``c_...``: prefixes keep clear of NESTML's keywords and units. Everything is ``real``, in
plain units.

The model also keeps time by trials, which is what makes a reset cost nothing: for the first ``gap``
steps of every ``period`` it is inactive. Its states are at their initial values, it takes no input
and fires no spike, while what is in flight runs out.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from scnnbio.backends.notation import IN_CPP, NESTML
from scnnbio.neurons.integrator import Integrator, integrator
from scnnbio.neurons.model import NeuronModel
from scnnbio.neurons.parsing import excess_over
from scnnbio.neurons.whitelist import check_expression

# (e^y - 1)/y, which NESTML does not have: defined in each model that needs it.
_EXPREL = [
    "function exprel(y real) real:",
    "    if abs(y) < 1e-16:",
    "        return 1.0",
    "    if y > 717.0:",  # infinity over infinity would be no number
    "        return inf",
    "    return expm1(y) / y",
    "",
]


@dataclass(frozen=True)
class NestmlModel:
    """A generated model.

    Parameters
    ----------
    name : str
        Of the model in NEST; it follows from the text, so that equal models are compiled once.
    text : str
        NESTML.
    constants : tuple of str
        Constants of the step, which are set as ``c_<name>``.
    receptors : mapping of str to int
        Receptor → port in NEST.
    used : tuple of str
        Parameters of the neuron that the step, the threshold and the reset name, but the one that
        the neuron is told.
    told : int, optional
        Port on which the neuron is told a parameter's value, if there is such a parameter.
    competes : bool
        Whether a spike also says, as its offset, by how much the threshold was crossed.
    states : tuple of str
        State variables, which NEST has as ``s_<name>``.
    given : tuple of str
        Those of them that a drive sets in every step.
    """

    name: str
    text: str
    constants: tuple[str, ...]
    receptors: dict[str, int]
    used: tuple[str, ...]
    told: int | None = None
    competes: bool = False
    states: tuple[str, ...] = ()
    given: tuple[str, ...] = ()

    @property
    def module(self) -> str:
        """Name of its module: NEST looks for a symbol of the file's own name."""
        return self.name.replace("_neuron", "module")


def nestml_model(
    model: NeuronModel, told: str | None = None, *, competes: bool = False
) -> NestmlModel:
    """NESTML for a neuron.

    Parameters
    ----------
    model : NeuronModel
    told : str, optional
        A parameter that the neuron is told in every step: the last weight that arrived at a port of
        its own is the value.
    competes : bool
        Whether it keeps in ``excess`` by how much it crossed its threshold, for a competition.

    Returns
    -------
    NestmlModel

    Raises
    ------
    SpecError
        If the model has no step, or calls what NESTML does not have.
    """
    step = integrator(model)
    texts = [model.threshold, *(text for _, _, text in model.resets)]
    named = step.names.union(*(check_expression(text) for text in texts))
    used = tuple(sorted(named & set(model.parameters) - {told}))
    constants = tuple(sorted(step.names & {step.dt, *step.entries}))
    names = {state.name: f"s_{state.name}" for state in model.states}
    names |= {name: f"p_{name}" for name in used} | {name: f"c_{name}" for name in constants}
    names |= {told: "told"} if told else {}
    step_lines, spike_lines = _update(step, names), _spike(model, names, competes)
    lines = [
        *_declarations(
            model,
            [*(f"c_{c}" for c in constants), *(f"p_{name}" for name in used)],
            [*(["told"] if told else []), *(["excess"] if competes else [])],
        ),
        *_functions("\n".join(step_lines + spike_lines)),
        *step_lines,
        *_arrivals(model, bool(told)),
        *spike_lines,
    ]
    body = "\n".join(f"    {line}" if line else "" for line in lines) + "\n"
    name = f"scnnbio_{hashlib.sha256(body.encode()).hexdigest()[:16]}_neuron"
    # NEST numbers the ports of a model with several from 1, and a single one is 0.
    first = 1 if len(model.receptors) + bool(told) > 1 else 0
    ports = {receptor: first + k for k, receptor in enumerate(model.receptors)}
    last = first + len(ports) if told else None
    states = tuple(state.name for state in model.states)
    text = f"model {name}:\n{body}"
    given = tuple(state.name for state in model.states if state.is_given)
    return NestmlModel(name, text, constants, ports, used, last, competes, states, given)


def _declarations(model: NeuronModel, values: list[str], memories: list[str]) -> list[str]:
    names = [state.name for state in model.states]
    states = [f"s_{name}" for name in names] + ["clock", "active", "free", "refractory"] + memories
    parameters = [*values, *(f"i_{name}" for name in names), "held_steps", "gap", "period"]
    return [
        "state:",
        *(f"    {name} real = 0.0" for name in states),
        "",
        "parameters:",
        *(f"    {name} real = 0.0" for name in parameters),
        "",
        "input:",
        *(f"    r_{receptor} <- spike" for receptor in model.receptors),
        *(["    value_told <- spike"] if "told" in memories else []),
        "",
        "output:",
        "    spike",
        "",
    ]


def _functions(text: str) -> list[str]:
    """Functions that a text calls and NESTML does not have.

    Those that NESTML cannot say return their first value here, and are given their C++ when the
    model is compiled.
    """
    lines = _EXPREL if "exprel(" in text else []
    for name, body in IN_CPP.values():
        if f"{name}(" in text:
            values = "x real, y real" if "y" in body.split("(")[1] else "x real"
            lines = [*lines, f"function {name}({values}) real:", "    return x", ""]
    return lines


def _update(step: Integrator, names: dict[str, str]) -> list[str]:
    """Slot 1 of :mod:`scnnbio.backends.base`, or the reset while the model is inactive."""
    states = step.model.states
    steps = [f"n_{u.state} real = {NESTML.number(u.expression, names)}" for u in step.updates]
    moves = [f"s_{s.name} = n_{s.name}" for s in states if not s.held_when_refractory]
    held = [f"s_{s.name} = n_{s.name}" for s in states if s.held_when_refractory]
    return [
        "update:",
        "    if clock < gap:",
        "        active = 0.0",
        "        free = 0.0",
        "        refractory = 0.0",
        *(f"        s_{s.name} = i_{s.name}" for s in states),
        "    else:",
        "        active = 1.0",
        "        free = 1.0",
        "        if refractory > 0.5:",
        "            refractory -= 1.0",
        "            free = 0.0",
        *(f"        {line}" for line in steps + moves),
        *(["        if free > 0.5:"] if held else []),
        *(f"            {line}" for line in held),
        "    clock += 1.0",
        "    if clock >= period:",
        "        clock = 0.0",
        "",
    ]


def _arrivals(model: NeuronModel, told: bool) -> list[str]:
    """Slot 2: a spike counts 1/s in NESTML, so a second makes its weight a number again."""
    held = {state.name for state in model.states if state.held_when_refractory}
    lines = ["onReceive(value_told):", "    told = value_told * 1 s", ""] if told else []
    for receptor, state in model.receptors.items():
        lines += [
            f"onReceive(r_{receptor}):",
            f"    if {'free' if state in held else 'active'} > 0.5:",
            f"        s_{state} += r_{receptor} * 1 s",
            "",
        ]
    return lines


def _spike(model: NeuronModel, names: dict[str, str], competes: bool) -> list[str]:
    """Slots 3 and 5; what competes is reset whether or not it is then let fire."""
    resets = []
    for state, operator, text in model.resets:
        value = NESTML.number(text, names)
        change = value if operator == "=" else f"s_{state} {operator[0]} {value}"
        resets.append(f"    s_{state} = {change}")
    excess = NESTML.number(excess_over(model.threshold), names) if competes else ""
    return [
        f"onCondition(free > 0.5 and {NESTML.condition(model.threshold, names)}):",
        *([f"    excess = {excess}"] if competes else []),
        "    refractory = held_steps",
        *resets,
        "    emit_spike()",
    ]
