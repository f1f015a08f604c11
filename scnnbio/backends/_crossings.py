r"""First threshold crossing of a linear neuron, found so that no crossing is missed.

Between events a linear neuron follows :math:`\dot{\hat z} = M \hat z`, where :math:`\hat z` is
the state with a 1 appended and :math:`M` the matrix with the constant input in its last column. The
distance to threshold is :math:`g(t) = \hat w^T e^{Mt} \hat z`: a sum of exponentials, with powers
of t where time constants coincide, or a polynomial without leak. One method covers all cases.

**1. On a short interval g is a polynomial, to the last digit.** With h the length of such a piece,

.. math:: g(hs) = \sum_{k<K} a_k s^k + R(s), \quad a_k = \hat w^T (Mh)^k \hat z / k!, \quad
    |R| \le |\hat w|^T \Big(\sum_{k \ge K} (|M|h)^k / k!\Big) |\hat z|, \quad 0 \le s \le 1.

With :math:`h = 1/\rho(|M|)` the a_k fall as 1/k!, whatever the units of the states: the spectral
radius of :math:`|M|` is the least row sum that scaling the states can give. For K = 20 the bound on
R, which is computed and not assumed, is far below the rounding of g itself. A longer interval is
split into several pieces; the result does not depend on the split.

**2. Descartes' rule in the Bernstein basis counts the zeros.** Let b be the coefficients of the
polynomial in the Bernstein basis on a part of the piece.

- The polynomial is a mean of the b with positive weights, so it has no zero where all b are
  negative (on the whole piece: more negative than R).
- The number of zeros is the number of sign changes of b, or less by an even number. So it has
  exactly one zero if b changes sign once, and bracketing finds it.
- Otherwise the part is halved, and the earlier half is searched first. As parts shrink, b converges
  to the values of the polynomial with the square of the part's width: two close crossings separate,
  and a maximum below the threshold is recognised as such.

The exception is a maximum that equals the threshold to within rounding. In a part narrower than
2^-40 of its piece, on which the maximum is flat far below rounding, the computed sign decides, and
touching counts as a crossing. So no crossing that double precision can resolve is missed, and no
later crossing is returned as the first.

References
----------
Lane JM, Riesenfeld RF (1981) Bounds on a polynomial. BIT 21:112-117.
Rouillier F, Zimmermann P (2004) Efficient isolation of polynomial's real roots. J Comput Appl Math
162:33-50.
Van Loan CF (1978) Computing integrals involving the matrix exponential. IEEE Trans Autom Control
23:395-404.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

FloatArray = NDArray[np.float64]

#: Number of terms of the series on a piece.
TERMS = 20
_NARROWEST = 2.0**-40


def _to_bernstein(terms: int) -> FloatArray:
    """Matrix from coefficients of powers (row) to Bernstein coefficients on [0, 1] (column)."""
    degree = terms - 1
    table = [
        [math.comb(i, k) / math.comb(degree, k) for i in range(terms)]  # zero where k > i
        for k in range(terms)
    ]
    return np.array(table)


_BERNSTEIN = _to_bernstein(TERMS)


def piece_length(matrices: FloatArray, longest: float) -> float:
    """Length on which the series of every matrix converges like that of exp(1).

    Parameters
    ----------
    matrices : ndarray (sets, states, states)
        In 1/ms.
    longest : float
        Upper limit in ms, for matrices that hardly change the state.

    Returns
    -------
    float
        In ms.
    """
    radius = max(float(np.abs(np.linalg.eigvals(np.abs(m))).max()) for m in matrices)
    return longest if radius * longest < 1.0 else 1.0 / radius


def series(matrices: FloatArray, length: float, terms: int = TERMS) -> FloatArray:
    """Terms ``(M length)^k / k!`` of the exponential.

    Parameters
    ----------
    matrices : ndarray (sets, states, states)
        In 1/ms.
    length : float
        In ms.
    terms : int

    Returns
    -------
    ndarray (sets, terms, states, states)
    """
    found = [np.broadcast_to(np.eye(matrices.shape[-1]), matrices.shape)]
    for k in range(1, terms):
        found.append(found[-1] @ matrices * (length / k))
    return np.stack(found, axis=1)


def tail(matrices: FloatArray, length: float) -> FloatArray:
    """Bound on the remainder of :func:`series`, per element (sets, states, states)."""
    # Terms decrease as 1/k!, so those beyond 3 TERMS are negligible.
    return np.asarray(series(np.abs(matrices), length, 3 * TERMS)[:, TERMS:].sum(axis=1))


def exponential(terms: FloatArray, fraction: float) -> FloatArray:
    """``exp(M fraction length)`` from its :func:`series` (sets, states, states), for 0 to 1."""
    powers = fraction ** np.arange(terms.shape[1])
    return np.einsum("k,skij->sij", powers, terms)


def first_crossings(
    coefficients: FloatArray, remainder: FloatArray
) -> tuple[NDArray[np.int64], FloatArray]:
    """Curves that reach zero from below on [0, 1], and the first position at which they do.

    Parameters
    ----------
    coefficients : ndarray (curves, TERMS)
        Coefficients of powers, the constant first.
    remainder : ndarray (curves,)
        Bound on the distance from the polynomial to the curve.

    Returns
    -------
    curve : ndarray of int64 (found,)
    place : ndarray (found,)
        From 0 (the curve begins at or above zero) to 1.
    """
    bernstein = coefficients @ _BERNSTEIN
    curves, places = [], []
    for curve in np.flatnonzero(bernstein.max(axis=1) + remainder >= 0.0):
        place = first_zero(coefficients[curve], bernstein[curve])
        if place is not None:
            curves.append(curve)
            places.append(place)
    return np.array(curves, dtype=np.int64), np.array(places, dtype=np.float64)


def first_zero(coefficients: FloatArray, bernstein: FloatArray | None = None) -> float | None:
    """First position on [0, 1] where a polynomial is zero or positive; None if there is none.

    Parameters
    ----------
    coefficients : ndarray (TERMS,)
        Coefficients of powers, the constant first.
    bernstein : ndarray (TERMS,), optional
        The same polynomial in the Bernstein basis.

    Returns
    -------
    float or None

    Examples
    --------
    Two zeros that are 2e-6 apart, and none if the maximum is just below zero:

    >>> bump = np.zeros(TERMS)
    >>> bump[:3] = 1e-12 - 0.25, 1.0, -1.0
    >>> round(first_zero(bump), 9)
    0.499999
    >>> bump[0] -= 2e-12
    >>> first_zero(bump) is None
    True
    """
    waiting = [(coefficients @ _BERNSTEIN if bernstein is None else bernstein, 0.0, 1.0)]
    while waiting:
        b, left, width = waiting.pop()
        if b[0] >= 0.0:
            return left
        if b.max() < 0.0:
            continue
        signs = np.sign(b[b != 0.0])
        if np.count_nonzero(signs[1:] != signs[:-1]) == 1:
            return _only_zero(coefficients.tolist(), left, left + width)
        if width <= _NARROWEST:
            return left
        early, late = _halves(b)
        waiting += [(late, left + width / 2, width / 2), (early, left, width / 2)]
    return None


def _halves(b: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Bernstein coefficients on both halves, by de Casteljau's algorithm."""
    early, late = np.empty_like(b), np.empty_like(b)
    for k in range(len(b)):
        early[k], late[-1 - k] = b[0], b[-1]
        b = (b[:-1] + b[1:]) / 2
    return early, late


def _only_zero(coefficients: list[float], left: float, right: float) -> float:
    """The only zero between two positions, to the last digit."""

    def value(s: float) -> float:
        total = 0.0
        for a in reversed(coefficients):
            total = total * s + a
        return total

    # At the ends, rounding may determine the sign of the sum.
    if value(right) <= 0.0:
        return right
    if value(left) >= 0.0:
        return left
    return float(brentq(value, left, right, xtol=1e-300, rtol=4 * np.finfo(float).eps))
