r"""NIR's neurons as models of the library, with exactly the frameworks' time steps.

NIR writes differential equations; the frameworks that train take steps. In a step of dt the input,
a spike of height 1, lasts for dt, and

.. math:: v' = k\, v + (1 - k)(v_{leak} + R I), \qquad k = 1 - dt/\tau

by Euler's rule, which snnTorch, Norse and others take; or :math:`k = e^{-dt/\tau}`, the exact
solution. The library's leaky neuron decays by :math:`e^{-dt/\tau_m}` in a step, exactly. With
:math:`\tau_m = -dt/\ln k` it is either of the two, whatever dt is. A spike of weight w is a jump by
:math:`R (1 - k) w`, and a bias b moves the resting potential by R b.

A threshold that must be exceeded (v > θ) equals one that must be reached (v >= θ'), with θ' the
next number above θ.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from scnnbio.errors import SpecError
from scnnbio.neurons import LIBRARY, NeuronModel, parts
from scnnbio.neurons.algebra import propagator
from scnnbio.neurons.composition import compose
from scnnbio.nir.nodes import FloatArray, Node, as_shape
from scnnbio.population import Population
from scnnbio.shapes import Shape

#: Threshold of nodes that never fire, beyond every potential.
_NEVER = 1e300

#: IF without a synapse of its own time course: dv/dt = i_offset/cm, a spike moves v.
PERFECT = compose(
    "IF_curr_delta", parts.perfect(), [parts.delta()], reference="Lapicque 1907 (the NIR node IF)"
)
#: Kinds of nodes that are neurons.
CELLS = frozenset({"IF", "LIF", "CubaLIF", "LI", "I"})


@dataclass(frozen=True, eq=False)
class Cell:
    """A node that is a layer of neurons.

    Parameters
    ----------
    node : Node
    shape : tuple of int
        (channel, row, column).
    model : NeuronModel
    parameters : dict of str to ndarray (neurons,)
    gain : ndarray (neurons,)
        Change of the receptor's variable by a spike of weight 1.
    keep : ndarray (neurons,)
        Fraction of the potential that remains after a step.
    resistance : ndarray (neurons,)
        Final change of the potential by a constant input of 1, or the change per step without leak.
    receptor : str
    late : int
        Number of steps by which arriving spikes act later than in NIR.
    fires : bool
    """

    node: Node
    shape: Shape
    model: NeuronModel
    parameters: dict[str, FloatArray]
    gain: FloatArray
    keep: FloatArray
    resistance: FloatArray
    receptor: str = "membrane"
    late: int = 0
    fires: bool = True

    def population(self, name: str, bias: FloatArray, steps: int) -> Population:
        """The population, with a bias that begins to act after ``steps`` steps.

        Raises
        ------
        SpecError
            If the bias cannot be mapped.
        """
        values = dict(self.parameters)
        initial = values["v_rest"].copy()
        if (initial >= values["v_thresh"]).any():
            raise SpecError(
                "it begins above its threshold, so that it fires before its input can be"
                " there; use a higher threshold, or a lower v_leak with a bias before it",
                where=self.node.where,
            )
        if bias.any():
            if self.receptor != "membrane":
                raise SpecError(
                    "a bias into a synapse with a time course has no counterpart; remove the bias"
                    " out, or use a LIF",
                    where=self.node.where,
                )
            if "tau_m" in values:
                values["v_rest"] = values["v_rest"] + self.resistance * bias
                # So that it stands at the leak potential when the first input can be there.
                away = (initial - values["v_rest"]) / self.keep**steps
                initial, first = values["v_rest"] + away, values["v_rest"] + away * self.keep
            else:
                # The unit of a current is that of a change of v: cm is 1 nF.
                values["i_offset"] = self.resistance * bias
                initial = initial - steps * self.gain * bias
                first = initial + self.gain * bias
            # The threshold is tested after a step.
            if (first >= values["v_thresh"]).any():
                raise SpecError(
                    "its bias is so negative that the steps before the input arrives would have to"
                    " begin above threshold; use a smaller bias or fewer layers",
                    where=self.node.where,
                )
        begins = {"v": self._compact(initial)} if (initial != values["v_rest"]).any() else {}
        chosen = {n: self._compact(v) for n, v in values.items()}
        return Population(name, self.shape, self.model, chosen, initial=begins)

    def _compact(self, values: FloatArray) -> Any:
        """Values in their most compact form: one for all, per channel or per neuron."""
        if (values == values[0]).all():
            return float(values[0])
        by_channel = values.reshape(self.shape[0], -1)
        if (by_channel == by_channel[:, :1]).all():
            return by_channel[:, 0]
        return values.reshape(self.shape)


def cell(
    node: Node,
    lengths: tuple[int, ...],
    dt: float,
    integration: str,
    threshold: Node | None = None,
) -> Cell:
    """The neurons of a node.

    Parameters
    ----------
    node : Node
    lengths : tuple of int
        The graph's own axes of the layer, one to three.
    dt : float
        Step in ms.
    integration : {"euler", "exact"}
    threshold : Node, optional
        A Threshold that follows a node that does not fire by itself.

    Raises
    ------
    SpecError
        If a parameter has another shape, or a time constant is too short for a step.
    """
    shape, size = as_shape(lengths, node), math.prod(lengths)

    def values(field: str, default: float | None = None, source: Node = node) -> FloatArray:
        if field not in source.fields and default is not None:
            return np.full(size, default)
        return source.spread(field, lengths)

    seconds = dt * 1e-3
    fires = "v_threshold" in node.fields or threshold is not None
    if threshold is not None:
        level = values("threshold", source=threshold)
    else:
        level = values("v_threshold", _NEVER)
    parameters = {
        "v_reset": values("v_reset", 0.0),
        "v_thresh": np.nextafter(level, np.inf) if fires else level,
        "v_rest": values("v_leak", 0.0),
        "tau_refrac": np.zeros(size),
        "cm": np.ones(size),
    }
    r = values("r")
    if node.kind in ("IF", "I"):
        made = Cell(
            node, shape, PERFECT, parameters, r * seconds, np.ones(size), r * 1e-3, fires=fires
        )
    else:
        tau = values("tau_mem" if node.kind == "CubaLIF" else "tau")
        keep = _kept(node, tau, seconds, integration)
        parameters["tau_m"] = -dt / np.log(keep)
        made = Cell(
            node, shape, LIBRARY["LIF_curr_delta"], parameters, r * (1 - keep), keep, r, fires=fires
        )
    if node.kind == "CubaLIF":
        return _with_currents(made, values("tau_syn"), values("w_in", 1.0), dt, integration)
    if threshold is not None:
        # A Threshold fires as long as it is exceeded, and resets nothing.
        name = f"{made.model.name}_threshold"
        return dataclasses.replace(
            made, model=dataclasses.replace(made.model, name=name, reset="v = v")
        )
    return made


def _kept(node: Node, tau: FloatArray, seconds: float, integration: str) -> FloatArray:
    """Fraction of a value that remains after a step."""
    if (tau <= 0).any():
        raise SpecError(f"a time constant of {tau.min():g} s is not positive", where=node.where)
    if integration == "exact":
        return np.exp(-seconds / tau)
    if (tau <= seconds).any():
        raise SpecError(
            f"a time constant of {tau.min():g} s is over within a step of {seconds:g} s by Euler's"
            ' rule; give a shorter dt, or integration="exact"',
            where=node.where,
        )
    return 1.0 - seconds / tau


def _with_currents(
    made: Cell, tau_syn: FloatArray, w_in: FloatArray, dt: float, integration: str
) -> Cell:
    """The cell with exponential currents.

    The frameworks let a spike act on the potential in the step in which it arrives; here the
    current acts from the next step on. So a spike is to arrive a step before.
    """
    if integration == "exact":
        raise SpecError(
            'what a CubaLIF does within a step differs between frameworks; use integration="euler"',
            where=made.node.where,
        )
    keep = _kept(made.node, tau_syn, dt * 1e-3, integration)
    model = LIBRARY["LIF"]
    parameters = {**made.parameters, "tau_syn_E": -dt / np.log(keep)}
    every = {
        name: parameters.get(name, np.full(len(keep), p.default))
        for name, p in model.parameters.items()
    }
    states = tuple(s.name for s in model.states)
    column = states.index(model.receptors["excitatory"])
    different, place = np.unique(
        np.stack([every[n] for n in ("tau_m", "tau_syn_E")]), axis=1, return_inverse=True
    )
    few = {n: v[: different.shape[1]] for n, v in every.items()}
    few |= dict(zip(("tau_m", "tau_syn_E"), different, strict=True))
    carried = propagator(model, few, dt).matrix[:, states.index("v"), column][place.ravel()]
    gain = made.gain * w_in * (1 - keep) / carried
    return dataclasses.replace(
        made, model=model, parameters=parameters, gain=gain, receptor="excitatory", late=1
    )
