"""The machine's numbers: s16.15 fixed point, weights of 16 bits, and the shifts between them.

A SpiNNaker core has no floating point. States and parameters are whole multiples of 2**-15 in 32
bits; products are truncated after the last bit, towards minus infinity. Arriving weights are summed
in ring buffers with 16 bits per receptor and time step, which are shifted left when they are read.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

#: One, in s16.15 and in u0.32.
ONE = 1 << 15
_UNIT = 1 << 32
_HALF = 1 << 31
#: Coefficients of 1 - exp(-x) for x below 1/16, in u0.32: constant, linear, and minus quadratic.
_PARABOLA = (5294, 4293434720, 2081624032)
#: First value that does not fit s16.15.
TOO_LARGE = float(1 << 16)
#: Largest value of a ring buffer element.
FULL = 0xFFFF
#: Address bits of a core's ring buffers, shared by neurons, receptors and delay slots.
RING_BITS = 14
#: Most neurons of one core.
CORE_NEURONS = 256


def fixed(values: Floats | float) -> Ints:
    """Numbers as multiples of 2**-15, rounded to the nearest."""
    return np.rint(np.asarray(values, dtype=float) * ONE).astype(np.int64)


def representable(values: Floats | float) -> Floats:
    """The nearest numbers in s16.15."""
    return fixed(values) / ONE


def quotient(numerator: Ints, denominator: Ints) -> Ints:
    """Quotient of two numbers in s16.15, truncated."""
    return np.asarray((numerator << 15) // denominator)


def product(a: Ints, b: Ints) -> Ints:
    """Product of two numbers in s16.15, truncated towards minus infinity."""
    return np.asarray((a * b) >> 15)


def _scaled(
    values: NDArray[np.uint64], factor: NDArray[np.uint64], rounding: int = 0
) -> NDArray[np.uint64]:
    """Product of two numbers in u0.32, truncated; rounded if ``rounding`` is half a bit."""
    return np.asarray((values * factor + np.uint64(rounding)) >> np.uint64(32))


def exponential(exponent: Ints) -> Ints:
    """Exponential, in u0.32, of a non-positive exponent in s16.15, as the machine computes it.

    The exponent is split into a whole number, sixteenths, and a rest that a parabola approximates,
    so about the last ten bits differ from the exact exponential. Factors are multiplied with
    rounding, the parabola without.

    Parameters
    ----------
    exponent : ndarray of int64

    Returns
    -------
    ndarray of int64

    References
    ----------
    The numbers are those of ``stdfix-exp.c`` in SpiNNakerManchester/spinn_common.
    """
    whole = -((-exponent) >> 15)
    rest = (-exponent) & (ONE - 1)
    value = np.rint(np.exp(whole) * _UNIT).astype(np.uint64)
    sixteenths = np.rint(-np.expm1(-(rest >> 11) / 16) * _UNIT).astype(np.uint64)
    value = value - _scaled(value, sixteenths, _HALF)
    small = ((rest & 0x7FF) << 17).astype(np.uint64)
    constant, linear, square = (np.full_like(small, n) for n in _PARABOLA)
    fallen = constant + _scaled(linear - _scaled(square, small), small)
    value = np.where(rest > 0, value - _scaled(value, fallen, _HALF), value)
    return value.astype(np.int64)


def decay(dt: float, tau: Floats) -> Ints:
    """exp(-dt/tau) in s16.15, from the machine's quotient."""
    return np.asarray(fine_decay(dt, tau) >> 17)


def fine_decay(dt: float, tau: Floats) -> Ints:
    """exp(-dt/tau) in u0.32, from the machine's quotient."""
    return exponential(-quotient(fixed(dt), fixed(tau)))


def mean_of_step(dt: float, tau: Floats) -> Ints:
    """tau/dt (1 - exp(-dt/tau)) in u0.32: mean current of a spike over its first step."""
    by_dt = quotient(fixed(tau), fixed(dt))
    # In u0.32 the machine represents 1 by the largest number below it.
    return np.asarray((by_dt * (_UNIT - 1 - fine_decay(dt, tau))) >> 15)


def ring_shift(bound: float) -> int:
    """Left shift from a ring buffer to s16.15, as sPyNNaker chooses it for a largest sum.

    Parameters
    ----------
    bound : float
        The largest sum, in the units of the ring buffer.

    Returns
    -------
    int
        Exponent of the smallest power of two above it, at least 0.
    """
    if bound <= 0:
        return 0
    power = math.ceil(max(0.0, math.log2(bound)))
    return power + 1 if 2**power <= bound else power


def weight_scale(shift: Ints | int, unit: float) -> Floats:
    """Factor from a weight to its 16-bit integer.

    Parameters
    ----------
    shift : int or array
    unit : float
        1 for currents, 1024 for conductances, which are small in uS.
    """
    return np.asarray(2.0 ** (15 - np.asarray(shift)) * unit)


def bits_for(count: int) -> int:
    """Bits needed to number ``count`` items."""
    return max(0, math.ceil(math.log2(count)))


def delay_slots(neurons: int, receptors: int = 2) -> int:
    """Longest delay, in time steps, that the ring buffers of a core with this many neurons hold."""
    return 1 << RING_BITS - bits_for(min(neurons, CORE_NEURONS)) - bits_for(receptors)


def overflows(values: Iterable[Ints]) -> bool:
    """Whether any number is outside 32 bits."""
    return any(v.size and (v.max() >= 1 << 31 or v.min() < -(1 << 31)) for v in values)
