"""Homeostasis per neuron: a threshold that keeps the firing rate at a target."""

from __future__ import annotations

import ast
import dataclasses

from scnnbio.errors import SpecError, hint
from scnnbio.neurons.arithmetic import deep_trees
from scnnbio.neurons.model import NeuronModel
from scnnbio.neurons.variables import Parameter
from scnnbio.units import Hertz, Milliseconds, Millivolts


@deep_trees()
def homeostatic(
    model: NeuronModel,
    eta: Millivolts | str,
    target: Hertz | str,
    tau: Milliseconds | str,
    parameter: str = "v_thresh",
) -> NeuronModel:
    r"""Add homeostasis to a neuron: its threshold changes until it fires at a target rate.

    .. math:: \frac{dV_{th}}{dt} = \eta (f - f^*), \quad f = x/\tau, \quad
        \frac{dx}{dt} = -x/\tau, \quad x \leftarrow x + 1 \text{ at a spike}

    f is the neuron's own spike train through an exponential filter of unit area. ``parameter``
    is replaced by ``parameter + theta_h`` in all expressions of the model; theta_h starts at 0.

    Parameters
    ----------
    model : NeuronModel
    eta : float or str
        Rise of the threshold in mV per spike.
    target : float or str
        Rate in Hz.
    tau : float or str
        Time constant of the filter in ms.
    parameter : str
        The parameter in mV that is shifted. Where the model's threshold only ends an upstroke, as
        in ``Izhikevich``, it hardly affects the rate: name a parameter that sets the rheobase.

    Returns
    -------
    NeuronModel
        With parameters ``homeo_eta``, ``homeo_target``, ``homeo_tau`` and states ``theta_h``,
        ``homeo_trace``; its name ends in ``_homeostatic``.

    Raises
    ------
    SpecError
        If the model has no such parameter, it is not in mV, or no expression names it; or if the
        target or the time constant is not positive.

    References
    ----------
    Foldiak 1990, Biol Cybern 64:165 (threshold driven to a set rate); Zylberberg et al. 2011, PLoS
    Comput Biol 7:e1002250. Its stability: :func:`scnnbio.neurons.rates.homeostasis_eigenvalues`.
    """
    where = f"homeostatic {model.name}"
    if parameter not in model.parameters or model.parameters[parameter].unit != "mV":
        potentials = [name for name, p in model.parameters.items() if p.unit == "mV"]
        raise SpecError(
            f"{parameter!r} is not a parameter of {model.name!r} in mV;"
            f" {hint(str(parameter), sorted(potentials), 'it has')}",
            where=f"{where}.parameter",
        )
    if model.parameters[parameter].bounded:
        raise SpecError(
            f"{parameter!r} must stay in {model.parameters[parameter].range}, but homeostasis can"
            " move it out; name another parameter, or remove its range",
            where=f"{where}.parameter",
        )
    parameters = {
        "homeo_eta": Parameter(eta, "mV"),  # type: ignore[arg-type]
        "homeo_target": Parameter(target, "Hz"),  # type: ignore[arg-type]
        "homeo_tau": Parameter(tau, "ms"),  # type: ignore[arg-type]
    }
    for name in ("homeo_target", "homeo_tau"):
        if parameters[name].default <= 0:
            raise SpecError(f"{parameters[name].default} is not positive", where=f"{where}.{name}")
        parameters[name] = dataclasses.replace(parameters[name], range="(0, inf)")
    shift = _Shift(parameter)
    lines = [
        f"d{s.name}/dt = {shift.text(s.rate)} : {s.unit}"
        f"{' (unless refractory)' if s.held_when_refractory else ''}"
        for s in model.states
    ]
    lines += [
        "dtheta_h/dt = homeo_eta*(homeo_trace/homeo_tau - homeo_target) : volt",
        "dhomeo_trace/dt = -homeo_trace/homeo_tau : 1",
    ]
    threshold = shift.text(model.threshold)
    resets = [f"{name} {op} {shift.text(text)}" for name, op, text in model.resets]
    if not shift.found:
        raise SpecError(
            f"no expression of {model.name!r} names {parameter!r}", where=f"{where}.parameter"
        )
    return dataclasses.replace(
        model,
        name=f"{model.name}_homeostatic",
        equations="\n".join(lines) + "\n",
        threshold=threshold,
        reset="; ".join([*resets, "homeo_trace += 1"]),
        parameters={**model.parameters, **parameters},
        reference=f"{model.reference}; threshold after Foldiak 1990, Biol Cybern 64:165",
    )


class _Shift(ast.NodeTransformer):
    """Adds theta_h to a parameter in expressions, and records whether it found any."""

    def __init__(self, parameter: str) -> None:
        self.parameter, self.found = parameter, False

    def text(self, expression: str) -> str:
        """The expression with the parameter shifted."""
        return ast.unparse(self.visit(ast.parse(expression.strip(), mode="eval")))

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """Shift the parameter."""
        if node.id != self.parameter:
            return node
        self.found = True
        return ast.BinOp(node, ast.Add(), ast.Name("theta_h", ast.Load()))
