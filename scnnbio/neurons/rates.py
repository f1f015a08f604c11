"""Firing rates in closed form, and stability of homeostasis."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Annotated

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scnnbio.errors import SpecError
from scnnbio.neurons.brian2_loader import as_sympy
from scnnbio.neurons.linearised import membrane_line
from scnnbio.neurons.model import NeuronModel
from scnnbio.neurons.system import Values, parameter_values, state_values
from scnnbio.units import In, Milliseconds, Millivolts, Number, plain, plain_array, si_factor


def firing_rate(
    model: NeuronModel,
    current: Annotated[ArrayLike, In("nA")],
    parameters: Values = None,
    held: Values = None,
    dt: Milliseconds | None = None,
) -> NDArray[np.float64]:
    r"""Rate under a constant current: the f-I curve.

    .. math:: f = \left(t_{ref} + \tau \ln\frac{v_\infty - v_{reset}}{v_\infty - v_{th}}\right)^{-1}

    where :math:`v_\infty > v_{th}`, else 0. Without leak the logarithm becomes
    :math:`(v_{th} - v_{reset})\, C/I`.

    Parameters
    ----------
    model : NeuronModel
        Its dv/dt must be linear in v, its threshold ``v >= ...``, and its reset must change only v.
    current : array_like
        ``i_offset`` in nA.
    parameters : mapping of str to float, optional
        In plain units; the model's defaults for others.
    held : mapping of str to float, optional
        Other state variables held constant, such as a shunt, in plain units; zero for those not
        named.
    dt : float, optional
        Time step in ms: gives the rate on the time grid of :mod:`scnnbio.backends.base`, where the
        time to threshold is a whole number of steps.

    Returns
    -------
    ndarray
        Hz, of the shape of ``current``.

    Raises
    ------
    SpecError
        If the model does not meet these conditions, or resets to its threshold.

    References
    ----------
    Gerstner et al. 2014, Neuronal Dynamics, section 1.3; Burkitt 2006, Biol Cybern 95:1.
    """
    parameters = parameter_values(model, parameters)
    held = state_values(model, held)
    dt = None if dt is None else plain(dt, "ms", where="dt")
    slope, constant, per_current = membrane_line(model, held, parameters)
    threshold, reset = _levels(model, parameters, held)
    refractory = 0.0 if model.refractory is None else parameters[model.refractory]
    drive = constant + per_current * plain_array(current, "nA", where="current")
    fires = drive + slope * threshold > 0
    safe = np.where(fires, drive, 1.0 - slope * threshold)
    if slope:
        # log1p stays accurate where the current is far above the rheobase.
        ratio = slope * (threshold - reset) / (safe + slope * reset)
        wait = np.log1p(ratio) / slope
    else:
        wait = (threshold - reset) / safe
    if dt is not None:
        wait = np.ceil(np.round(wait / dt, 9)) * dt
        refractory = round(refractory / dt) * dt
    return np.asarray(np.where(fires, 1e3 / (refractory + wait), 0.0))


def homeostasis_eigenvalues(
    slope: Number, eta: Millivolts, tau: Milliseconds
) -> NDArray[np.complex128]:
    r"""Eigenvalues of the return of a homeostatic threshold to its target.

    Linearised at the target, with s = df/dV_th, :func:`~scnnbio.neurons.homeostasis.homeostatic` is

    .. math:: \dot{\delta\theta} = \eta\, \delta f, \quad
        \tau \dot{\delta f} = s\, \delta\theta - \delta f, \quad
        \lambda = \frac{-1 \pm \sqrt{1 + 4 \eta s \tau}}{2 \tau}

    It is stable for every s < 0. The slow eigenvalue is :math:`\eta s` for
    :math:`-\eta s \tau \ll 1`; the return has no overshoot up to :math:`-\eta s \tau = 1/4`, and
    oscillates beyond.

    Parameters
    ----------
    slope : float
        Measured df/dV_th in Hz/mV, negative.
    eta : float
        Rise of the threshold in mV per spike.
    tau : float
        Time constant of the rate filter in ms.

    Returns
    -------
    ndarray (2,) of complex
        In 1/ms, the slower one first.

    Raises
    ------
    SpecError
        If the time constant is not positive.

    Notes
    -----
    The neuron's own dynamics are assumed to be much faster: the rate follows the threshold
    instantaneously. Astrom & Murray 2008, Feedback Systems, chapter 6, for the second-order loop.
    """
    slope = plain(slope, "1", where="slope")
    eta, tau = plain(eta, "mV", where="eta"), plain(tau, "ms", where="tau")
    if tau <= 0:
        raise SpecError(f"{tau} ms is not positive", where="tau")
    loop = eta * slope * 1e-3 * tau  # Hz times ms
    root = np.sqrt(complex(1.0 + 4.0 * loop))
    slow = 2.0 * loop / (1.0 + root)  # (-1 + root)/2 without its cancellation
    return np.array([slow, (-1.0 - root) / 2.0], dtype=np.complex128) / tau


def _levels(
    model: NeuronModel,
    parameters: Mapping[str, float] | None,
    held: Mapping[str, float] | None,
) -> tuple[float, float]:
    """Threshold and potential after the reset, in mV."""
    condition = ast.parse(model.threshold.strip(), mode="eval").body
    right = condition.comparators[0] if isinstance(condition, ast.Compare) else None
    if (
        not isinstance(condition, ast.Compare)
        or right is None
        or ast.unparse(condition.left) != "v"
        or not isinstance(condition.ops[0], ast.Gt | ast.GtE)
    ):
        raise SpecError("the threshold is not 'v >= ...'", where=f"{model.name}.threshold")
    moved = {name for name, _, _ in model.resets} - {"v"}
    if moved:
        raise SpecError(
            f"a spike also changes {', '.join(sorted(moved))}, so there is no formula for the rate",
            where=f"{model.name}.reset",
        )
    values = {name: p.default for name, p in model.parameters.items()} | dict(parameters or {})
    units = {name: p.unit for name, p in model.parameters.items()}
    state = {s.name: 0.0 for s in model.states} | dict(held or {})
    units |= {name: model.unit_of(name) for name in state}
    known = {name: v * si_factor(units[name]) for name, v in {**values, **state}.items()}
    threshold = _value(model, ast.unparse(right), {k: v for k, v in known.items() if k != "v"})
    v = threshold
    for _, operator, text in model.resets:
        change = _value(model, text, {**known, "v": v})
        v = {"=": change, "+=": v + change, "-=": v - change, "*=": v * change}.get(
            operator, v / change if change else np.nan
        )
    if not v < threshold:
        raise SpecError("a spike does not reset v below its threshold", where=f"{model.name}.reset")
    return threshold * 1e3, v * 1e3


def _value(model: NeuronModel, text: str, known: Mapping[str, float]) -> float:
    import sympy

    model.sympy()  # checks every expression's dimensions
    numbers = {sympy.Symbol(name, real=True): value for name, value in known.items()}
    try:
        return float(as_sympy(text).subs(numbers).evalf())
    except TypeError:
        raise SpecError(f"{text!r} is not constant", where=f"{model.name}.threshold") from None
