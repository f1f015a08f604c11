"""A neuron's equations as a NESTML model with an explicit step.

The step has the expressions of :mod:`scnnbio.neurons.integrator`, and its constants are parameters,
so one compiled model works for all time steps and all parameters of the neuron. States are named
``s_v``, the neuron's parameters ``p_v_thresh``, initial values ``i_v``, and the constants of the
step ``c_...``: the prefixes avoid NESTML's keywords and units. All variables are ``real``, in plain
units.

The model also counts the steps of trials, so that a reset needs no call from Python: for the first
``gap`` steps of every ``period`` it is inactive. Its states are at their initial values, and it
ignores input and fires no spikes, while spikes in flight arrive.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from scnnbio.backends.notation import IN_CPP, NESTML
from scnnbio.neurons.integrator import Integrator, integrator
from scnnbio.neurons.model import NeuronModel
from scnnbio.neurons.parsing import excess_over
from scnnbio.neurons.whitelist import check_expression

# (e^y - 1)/y, which NESTML lacks; defined in each model that needs it.
_EXPREL = [
    "function exprel(y real) real:",
    "    if abs(y) < 1e-16:",
    "        return 1.0",
    "    if y > 717.0:",  # infinity over infinity would be NaN
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
        Name of the model in NEST: a digest of the text, so that equal models are compiled once.
    text : str
        The NESTML model.
    constants : tuple of str
        Constants of the step, which are set as ``c_<name>``.
    receptors : mapping of str to int
        Receptor → port in NEST.
    used : tuple of str
        Parameters of the neuron in the step, the threshold and the reset, except the one that is
        received through ``parameter_port``.
    parameter_port : int, optional
        Port on which the neuron receives the value of a parameter that changes in a run.
    competes : bool
        Whether spikes carry the excess over threshold as their offset.
    states : tuple of str
        State variables, named ``s_<name>`` in NEST.
    given : tuple of str
        The state variables that a drive sets in every step.
    """

    name: str
    text: str
    constants: tuple[str, ...]
    receptors: dict[str, int]
    used: tuple[str, ...]
    parameter_port: int | None = None
    competes: bool = False
    states: tuple[str, ...] = ()
    given: tuple[str, ...] = ()

    @property
    def module(self) -> str:
        """Name of its module: NEST expects a symbol with the name of the file."""
        return self.name.replace("_neuron", "module")


def nestml_model(
    model: NeuronModel, received: str | None = None, *, competes: bool = False
) -> NestmlModel:
    """Write the NESTML model of a neuron.

    Parameters
    ----------
    model : NeuronModel
    received : str, optional
        A parameter that changes in a run: its value is the last weight that arrived at a port for
        it.
    competes : bool
        Whether it stores its excess over threshold in ``excess``, for a competition.

    Returns
    -------
    NestmlModel

    Raises
    ------
    SpecError
        If the model has no step, or calls functions that NESTML lacks.
    """
    step = integrator(model)
    texts = [model.threshold, *(text for _, _, text in model.resets)]
    named = step.names.union(*(check_expression(text) for text in texts))
    used = tuple(sorted(named & set(model.parameters) - {received}))
    constants = tuple(sorted(step.names & {step.dt, *step.entries}))
    names = {state.name: f"s_{state.name}" for state in model.states}
    names |= {name: f"p_{name}" for name in used} | {name: f"c_{name}" for name in constants}
    names |= {received: "told"} if received else {}
    step_lines, spike_lines = _update(step, names), _spike(model, names, competes)
    lines = [
        *_declarations(
            model,
            [*(f"c_{c}" for c in constants), *(f"p_{name}" for name in used)],
            [*(["told"] if received else []), *(["excess"] if competes else [])],
        ),
        *_functions("\n".join(step_lines + spike_lines)),
        *step_lines,
        *_arrivals(model, bool(received)),
        *spike_lines,
    ]
    body = "\n".join(f"    {line}" if line else "" for line in lines) + "\n"
    name = f"scnnbio_{hashlib.sha256(body.encode()).hexdigest()[:16]}_neuron"
    # NEST numbers the ports of a model with several from 1, and a single one is 0.
    first = 1 if len(model.receptors) + bool(received) > 1 else 0
    ports = {receptor: first + k for k, receptor in enumerate(model.receptors)}
    last = first + len(ports) if received else None
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
    """Definitions of functions in a text that NESTML lacks.

    Those that NESTML cannot express return their first argument here, and get their C++ when the
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


def _arrivals(model: NeuronModel, receives: bool) -> list[str]:
    """Slot 2: NESTML's weights have the unit 1/s, so they are multiplied by a second."""
    held = {state.name for state in model.states if state.held_when_refractory}
    lines = ["onReceive(value_told):", "    told = value_told * 1 s", ""] if receives else []
    for receptor, state in model.receptors.items():
        lines += [
            f"onReceive(r_{receptor}):",
            f"    if {'free' if state in held else 'active'} > 0.5:",
            f"        s_{state} += r_{receptor} * 1 s",
            "",
        ]
    return lines


def _spike(model: NeuronModel, names: dict[str, str], competes: bool) -> list[str]:
    """Slots 3 and 5; competing neurons are reset even if the competition then silences them."""
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
