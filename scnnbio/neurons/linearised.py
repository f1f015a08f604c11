"""Neurons linearised at a state: fixed points, Euler stability and frequency response."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scnnbio.errors import SpecError, not_one_of
from scnnbio.neurons.model import NeuronModel
from scnnbio.neurons.system import Linearisation, System, Values, parameter_values, start_values
from scnnbio.units import In, Milliseconds, plain, plain_array

#: Most iterations of Newton's method.
_ITERATIONS = 100


@dataclass(frozen=True, eq=False)
class EulerStability:
    """Behaviour of forward Euler near a fixed point.

    A deviation along an eigenvector is multiplied by ``1 + eigenvalue dt`` in every step. For the
    LIF, 1 - dt/tau_m: for dt < tau_m it decays as it should, below 2 tau_m it decays with
    alternating sign, at 2 tau_m it alternates without decay, and above it grows without bound, so
    that the neuron crosses its threshold without any input.

    Parameters
    ----------
    eigenvalues : ndarray (states,) of complex
        1/ms.
    limit : float
        Largest stable step in ms, itself excluded; infinite if nothing decays.
    """

    eigenvalues: NDArray[np.complex128]
    limit: float

    def factors(self, dt: Milliseconds) -> NDArray[np.complex128]:
        """Factor (states,) on the deviation along each eigenvector, per step of ``dt`` ms."""
        return np.asarray(1.0 + self.eigenvalues * plain(dt, "ms", where="dt"))

    def regime(self, dt: Milliseconds) -> str:
        """``"decays"``, ``"alternates"`` (decays, changing sign every step) or ``"diverges"``."""
        if plain(dt, "ms", where="dt") >= self.limit:
            return "diverges"
        return "alternates" if np.any(self.factors(dt).real < 0) else "decays"


@dataclass(frozen=True)
class EffectiveMembrane:
    """A membrane with constant conductances.

    Parameters
    ----------
    tau : float
        Time constant in ms; infinite without leak.
    resistance : float
        Gain in MOhm: mV of the final potential per nA of ``i_offset``.
    v_inf : float
        Final potential, in mV.
    """

    tau: float
    resistance: float
    v_inf: float


def linearise(
    model: NeuronModel,
    parameters: Values = None,
    at: Values = None,
) -> Linearisation:
    """Jacobian of the subthreshold equations.

    Parameters
    ----------
    model : NeuronModel
    parameters : mapping of str to float, optional
        In plain units; the model's defaults for others.
    at : mapping of str to float, optional
        State in plain units, zero for variables not named; default: the fixed point found from the
        initial state.

    Returns
    -------
    Linearisation

    Raises
    ------
    SpecError
        If a name is unknown, the Jacobian is not finite, or no fixed point is found.
    """
    if at is None:
        at = fixed_point(model, parameters)
    return System(model, parameters).about(start_values(model, at))


def fixed_point(
    model: NeuronModel,
    parameters: Values = None,
    start: Values = None,
) -> dict[str, float]:
    """Fixed point of the subthreshold equations, found from a nearby state.

    Parameters
    ----------
    model : NeuronModel
    parameters : mapping of str to float, optional
        In plain units; the model's defaults for others.
    start : mapping of str to float, optional
        State from which the search begins, in plain units; default: the initial state. Neurons such
        as AdEx have two fixed points, of which the upper one is unstable.

    Returns
    -------
    dict of str to float
        In plain units.

    Raises
    ------
    SpecError
        If Newton's method finds none, for instance because a current makes the neuron fire.

    Notes
    -----
    Newton steps are least-squares solutions, so that a state without dynamics (no leak) keeps its
    value.
    """
    system = System(model, parameters)
    if start is None:
        values = parameter_values(model, parameters)
        start = {name: values[source] for name, source in model.initial.items()}
    z = start_values(model, start)
    for _ in range(_ITERATIONS):
        local = system.about(z)
        move = np.linalg.lstsq(local.matrix, -local.rate, rcond=None)[0]
        z = z + move
        if np.all(np.abs(move) <= 1e-12 * (1.0 + np.abs(z))):
            break
    rate = system.about(z).rate
    if not np.all(np.abs(rate) <= 1e-9 * (1.0 + np.abs(z))):
        raise SpecError(
            "no fixed point near the start; lower the current if it is above the rheobase",
            where=model.name,
        )
    return dict(zip(system.states, z.tolist(), strict=True))


def euler_stability(
    model: NeuronModel,
    parameters: Values = None,
    at: Values = None,
) -> EulerStability:
    """The largest step for which forward Euler is stable.

    Parameters
    ----------
    model : NeuronModel
    parameters, at : mapping of str to float, optional
        As in :func:`linearise`.

    Returns
    -------
    EulerStability
        ``limit`` is the least of ``-2 Re(e)/|e|^2`` over the eigenvalues e of the Jacobian: 2 tau_m
        for the LIF, if no synapse is faster. Eigenvalues of zero (no leak) set no limit.

    Raises
    ------
    SpecError
        If the fixed point itself is unstable.

    References
    ----------
    Hairer & Wanner 1996, Solving Ordinary Differential Equations II, section IV.2.
    """
    eigenvalues = np.linalg.eigvals(linearise(model, parameters, at).matrix).astype(complex)
    scale = np.abs(eigenvalues).max(initial=0.0)
    moving = eigenvalues[np.abs(eigenvalues) > 1e-12 * scale]
    if np.any(moving.real >= 0):
        raise SpecError(
            "the fixed point itself is unstable, so no step is stable; give a resting state as"
            " 'at'",
            where=model.name,
        )
    limits = -2.0 * moving.real / np.abs(moving) ** 2
    return EulerStability(eigenvalues, float(limits.min(initial=np.inf)))


def frequency_response(
    model: NeuronModel,
    receptor: str,
    frequency: Annotated[ArrayLike, In("Hz")],
    parameters: Values = None,
    at: Values = None,
    output: str = "v",
) -> NDArray[np.complex128]:
    """Gain and phase from a modulated spike rate at a receptor to a state variable.

    Parameters
    ----------
    model : NeuronModel
    receptor : str
    frequency : array_like
        Hz.
    parameters, at : mapping of str to float, optional
        As in :func:`linearise`.
    output : str
        State variable.

    Returns
    -------
    ndarray
        Complex, of the shape of ``frequency``: the output's unit times ms, for weight 1.

    Raises
    ------
    SpecError
        If the receptor or the output is unknown.
    """
    local = linearise(model, parameters, at)
    for kind, name, known in (
        ("receptor", receptor, tuple(model.receptors)),
        ("output", output, local.states),
    ):
        if name not in known:
            raise SpecError(not_one_of(name, known), where=f"{model.name}.{kind}")
    entry = np.zeros(len(local.states))
    entry[local.states.index(model.receptors[receptor])] = 1.0
    f = plain_array(frequency, "Hz", where="frequency")
    identity = np.eye(len(entry))
    row = local.states.index(output)
    answers = [
        np.linalg.solve(2j * np.pi * 1e-3 * one * identity - local.matrix, entry)[row]
        for one in f.ravel()
    ]
    return np.array(answers, dtype=complex).reshape(f.shape)


def effective_membrane(
    model: NeuronModel,
    held: Values = None,
    parameters: Values = None,
) -> EffectiveMembrane:
    """Time constant, gain and final potential with other states held constant.

    A shunt g_s in addition to the leak g_L = cm/tau_m divides both: tau = cm/(g_L + g_s),
    resistance 1/(g_L + g_s). A subtractive current changes neither.

    Parameters
    ----------
    model : NeuronModel
        With a potential ``v`` whose rate is linear in v, and a parameter ``i_offset``.
    held : mapping of str to float, optional
        State variables held constant, in plain units; zero for those not named.
    parameters : mapping of str to float, optional
        In plain units; the model's defaults for others.

    Returns
    -------
    EffectiveMembrane

    Raises
    ------
    SpecError
        If the rate of v is not linear in v, or a name is unknown.

    References
    ----------
    Koch 1999, Biophysics of Computation, section 1.5; Chance, Abbott & Reyes 2002, Neuron 35:773.
    """
    slope, constant, per_current = membrane_line(model, held, parameters)
    if slope == 0:
        return EffectiveMembrane(np.inf, np.inf, np.nan)
    current = parameter_values(model, parameters)
    drive = constant + per_current * current["i_offset"]
    return EffectiveMembrane(-1.0 / slope, -per_current / slope, -drive / slope)


def membrane_line(
    model: NeuronModel,
    held: Values = None,
    parameters: Values = None,
) -> tuple[float, float, float]:
    """The line ``dv/dt = slope v + constant + per_current i_offset``, in plain units per ms.

    Parameters
    ----------
    model, held, parameters
        As in :func:`effective_membrane`.

    Returns
    -------
    (slope, constant, per_current)

    Raises
    ------
    SpecError
        If dv/dt is not linear, or the model has no ``v`` or no ``i_offset``.
    """
    names = tuple(state.name for state in model.states)
    if "v" not in names or "i_offset" not in model.parameters:
        raise SpecError(
            "needs a state 'v' and a parameter 'i_offset'; use a model that has both",
            where=model.name,
        )
    row = names.index("v")
    found = []
    for v, current in ((0.0, 0.0), (-70.0, 0.0), (0.0, 1.0)):
        system = System(model, {**(parameters or {}), "i_offset": current})
        local = system.about(start_values(model, {**(held or {}), "v": v}))
        found.append((float(local.matrix[row, row]), float(local.rate[row])))
    (slope, constant), (below, _), (driven, more) = found
    if not np.allclose([below, driven], slope, rtol=1e-12, atol=0.0):
        raise SpecError("dv/dt is not linear in v and i_offset", where=f"{model.name}.dv/dt")
    return slope, constant, more - constant
