r"""Synaptic kernels as linear time-invariant systems.

Each spike adds a kernel h(t): :math:`s(t) = w \sum_k h(t - t_k)`. Each kernel has
three equivalent forms, tested against each other: the impulse response h(t), the transfer function
:math:`H(s) = \int_0^\infty h(t) e^{-st} dt`, and differential equations, the form in which a neuron
contains it.

Every kernel has three normalisations (``norm``), with t in ms:

- exponential: ``"plain"`` is exp(-t/tau), whose maximum is 1, so ``"peak"`` is the same; ``"area"``
  is plain / tau;
- alpha: ``"plain"`` is t/tau exp(-t/tau), ``"peak"`` is plain * e, ``"area"`` is plain / tau;
- bi-exponential: ``"plain"`` is exp(-t/tau_d) - exp(-t/tau_r), ``"peak"`` is plain / its maximum,
  ``"area"`` is plain / (tau_d - tau_r).

The plain alpha kernel has its maximum 1/e at t = tau and the area tau, which is its gain at zero
frequency: :math:`|H(j\omega)| = 1 / (\tau (\omega^2 + 1/\tau^2))`. PyNN's and NEST's alpha synapses
are the peak-normalised ones: there a weight is the peak of the current or conductance.

References
----------
Rall 1967, J Neurophysiol 30:1138 (alpha function); Gerstner et al. 2014, Neuronal Dynamics, section
3.1; Roth & van Rossum 2009, in De Schutter (ed.), Computational Modeling Methods for
Neuroscientists, chapter 6 (bi-exponential and its peak); Rotter & Diesmann 1999, Biol Cybern 81:381
(kernels as linear systems).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Annotated, Literal, final, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scnnbio.errors import SpecError, not_one_of
from scnnbio.units import In, Milliseconds, Times, plain, plain_array

Norm = Literal["plain", "peak", "area"]


class Kernel(ABC):
    """A synapse as a linear time-invariant system with poles on the negative real axis."""

    norm: Norm

    @property
    @abstractmethod
    def taus(self) -> tuple[float, ...]:
        """Time constants of the stages in ms; the last stage is the output."""

    @property
    @abstractmethod
    def gain(self) -> float:
        """Transfer function at zero frequency: the kernel's area in ms."""

    @property
    @abstractmethod
    def peak_time(self) -> float:
        """Time of the maximum in ms."""

    @abstractmethod
    def response(self, time: Times) -> NDArray[np.float64]:
        """Impulse response; 0 before the spike.

        Parameters
        ----------
        time : array_like
            ms since the spike.

        Returns
        -------
        ndarray
            Of the same shape; numbers, or 1/ms times ms for ``"area"``.
        """

    def transfer(self, frequency: Annotated[ArrayLike, In("Hz")]) -> NDArray[np.complex128]:
        """Transfer function on the imaginary axis.

        Parameters
        ----------
        frequency : array_like
            Hz.

        Returns
        -------
        ndarray
            Complex, in ms; a rate of r spikes per ms gives a mean of ``weight * transfer(0) * r``.
        """
        s = 2j * np.pi * 1e-3 * plain_array(frequency, "Hz", where="frequency")
        stages = [1.0 + s * tau for tau in self.taus]
        return np.asarray(self.gain / math.prod(stages), dtype=complex)

    def state_space(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Matrices of the state-space form: ``dx/dt = A x``, a spike adds B, the output is C x.

        Returns
        -------
        (A, B, C)
            Of shapes (n, n), (n,), (n,); A in 1/ms.

        Notes
        -----
        A cascade of first-order stages, each driven by the previous one, so that equal time
        constants need no special treatment.
        """
        n = len(self.taus)
        rates = 1.0 / np.array(self.taus)
        matrix = np.diag(-rates) + np.diag(rates[1:], -1)
        entry, output = np.zeros(n), np.zeros(n)
        entry[0], output[-1] = self.gain / self.taus[0], 1.0
        return matrix, entry, output


@final
@dataclass(frozen=True)
class ExponentialKernel(Kernel):
    """Exponential kernel: exp(-t/tau).

    Parameters
    ----------
    tau : float
        Decay time constant in ms.
    norm : {"peak", "plain", "area"}
        Normalisation; see the module.

    Raises
    ------
    SpecError
        If the time constant is not positive.
    """

    tau: Milliseconds
    norm: Norm = "peak"

    def __post_init__(self) -> None:
        _check(self, "tau")

    @property
    def taus(self) -> tuple[float, ...]:
        """One stage."""
        return (self.tau,)

    @property
    def gain(self) -> float:
        """tau, or 1 for unit area."""
        return 1.0 if self.norm == "area" else self.tau

    @property
    def peak_time(self) -> float:
        """Zero: the maximum is at the spike."""
        return 0.0

    def response(self, time: Times) -> NDArray[np.float64]:
        """Impulse response."""
        t, after = _causal(time)
        return np.asarray(after * self.gain / self.tau * np.exp(-t / self.tau))


@final
@dataclass(frozen=True)
class AlphaKernel(Kernel):
    """Alpha kernel: t/tau exp(-t/tau).

    Parameters
    ----------
    tau : float
        Time of the peak in ms.
    norm : {"peak", "plain", "area"}
        Normalisation; ``"plain"`` peaks at 1/e, ``"peak"`` at 1.

    Raises
    ------
    SpecError
        If the time constant is not positive.
    """

    tau: Milliseconds
    norm: Norm = "peak"

    def __post_init__(self) -> None:
        _check(self, "tau")

    @property
    def taus(self) -> tuple[float, ...]:
        """Two equal stages."""
        return (self.tau, self.tau)

    @property
    def gain(self) -> float:
        """Tau, times e for unit peak; 1 for unit area."""
        return {"plain": self.tau, "peak": self.tau * math.e, "area": 1.0}[self.norm]

    @property
    def peak_time(self) -> float:
        """Tau."""
        return self.tau

    def response(self, time: Times) -> NDArray[np.float64]:
        """Impulse response."""
        t, after = _causal(time)
        return np.asarray(after * self.gain * t / self.tau**2 * np.exp(-t / self.tau))


@final
@dataclass(frozen=True)
class BiexponentialKernel(Kernel):
    """Bi-exponential kernel: exp(-t/tau_decay) - exp(-t/tau_rise).

    Parameters
    ----------
    tau_rise, tau_decay : float
        Time constants in ms. The normalised forms do not depend on their order; equal ones give the
        alpha kernel.
    norm : {"peak", "plain", "area"}
        Normalisation; see the module.

    Raises
    ------
    SpecError
        If a time constant is not positive; or if the kernel is plain and the rise is not faster
        than the decay, which would make it zero or negative.
    """

    tau_rise: Milliseconds
    tau_decay: Milliseconds
    norm: Norm = "peak"

    def __post_init__(self) -> None:
        _check(self, "tau_rise", "tau_decay")
        if self.norm == "plain" and self.tau_rise >= self.tau_decay:
            raise SpecError(
                "without normalisation the rise must be faster than the decay; use norm='peak'",
                where="kernel.tau_rise",
            )

    @property
    def taus(self) -> tuple[float, ...]:
        """The rise, then the decay."""
        return (self.tau_rise, self.tau_decay)

    @property
    def gain(self) -> float:
        """tau_decay - tau_rise for the plain kernel; divided by its maximum for unit peak."""
        if self.norm == "plain":
            return self.tau_decay - self.tau_rise
        if self.norm == "area":
            return 1.0
        return 1.0 / float(self._unit_area(np.array(self.peak_time)))

    @property
    def peak_time(self) -> float:
        """tau_r tau_d / (tau_d - tau_r) log(tau_d / tau_r)."""
        difference = (self.tau_decay - self.tau_rise) / self.tau_rise
        # log1p(x)/x is 1 in the limit of equal time constants.
        return self.tau_decay * (math.log1p(difference) / difference if difference else 1.0)

    def response(self, time: Times) -> NDArray[np.float64]:
        """Impulse response."""
        t, after = _causal(time)
        return np.asarray(after * self.gain * self._unit_area(t))

    def _unit_area(self, t: NDArray[np.float64]) -> NDArray[np.float64]:
        """(exp(-t/d) - exp(-t/r)) / (d - r), in a form that also holds for d = r."""
        from scipy.special import exprel

        fast, slow = sorted(self.taus)
        distance = t * (1.0 / fast - 1.0 / slow)
        return np.asarray(t / (fast * slow) * np.exp(-t / slow) * exprel(-distance))


def _check(kernel: Kernel, *names: str) -> None:
    for name in names:
        tau = plain(getattr(kernel, name), "ms", where=f"kernel.{name}")
        if tau <= 0:
            raise SpecError(f"{tau} ms is not positive", where=f"kernel.{name}")
        object.__setattr__(kernel, name, tau)
    if kernel.norm not in get_args(Norm):
        raise SpecError(not_one_of(kernel.norm, get_args(Norm)), where="kernel.norm")


def _causal(time: Times) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Times, with negative ones set to 0, and whether each is at or after the spike."""
    t = plain_array(time, "ms", where="time")
    return np.maximum(t, 0.0), t >= 0
