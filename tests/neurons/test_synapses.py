"""Synaptic kernels: impulse response, transfer function and equations are one system."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.linalg import expm
from scipy.signal import fftconvolve

from scnnbio.errors import SpecError
from scnnbio.neurons.synapses import AlphaKernel, BiexponentialKernel, ExponentialKernel, Kernel

KERNELS = [
    *(ExponentialKernel(5.0, norm) for norm in ("plain", "peak", "area")),
    *(AlphaKernel(3.0, norm) for norm in ("plain", "peak", "area")),
    *(BiexponentialKernel(1.5, 8.0, norm) for norm in ("plain", "peak", "area")),
    BiexponentialKernel(4.0, 4.0),
    BiexponentialKernel(4.0, 4.0 + 1e-9, "area"),
    BiexponentialKernel(8.0, 1.5),
]
every = pytest.mark.parametrize("kernel", KERNELS, ids=str)


@every
def test_the_equations_give_the_impulse_response(kernel: Kernel) -> None:
    """C exp(A t) B by scipy's matrix exponential."""
    matrix, entry, output = kernel.state_space()
    times = np.array([0.0, 0.3, 2.0, 7.0, 40.0])
    expected = [output @ expm(matrix * t) @ entry for t in times]
    assert kernel.response(times) == pytest.approx(np.array(expected), rel=1e-7, abs=1e-12)


@every
def test_the_transfer_function_is_the_laplace_transform(kernel: Kernel) -> None:
    """The integral of h(t) exp(-j w t), by quadrature."""
    for frequency in (0.0, 3.0, 40.0, 300.0):
        w = 2 * math.pi * frequency * 1e-3
        real = quad(lambda t: float(kernel.response(t)) * math.cos(w * t), 0, 200, limit=500)[0]  # noqa: B023
        imag = quad(lambda t: -float(kernel.response(t)) * math.sin(w * t), 0, 200, limit=500)[0]  # noqa: B023
        assert kernel.transfer(frequency) == pytest.approx(complex(real, imag), abs=1e-6)


@every
def test_filtering_a_signal_by_convolution_and_by_the_transfer_function(kernel: Kernel) -> None:
    """A sine comes out with the gain and phase of H; the convolution is numerical."""
    dt, frequency = 0.01, 20.0
    t = np.arange(0, 400, dt)
    signal = np.sin(2 * np.pi * frequency * 1e-3 * t)
    h = kernel.response(t)
    h[0] /= 2  # trapezoidal rule
    out = fftconvolve(signal, h)[: len(t)] * dt
    gain = kernel.transfer(frequency)
    late = t > 200
    expected = np.abs(gain) * np.sin(2 * np.pi * frequency * 1e-3 * t + np.angle(gain))
    assert out[late] == pytest.approx(expected[late], abs=1e-4)


@every
def test_heights(kernel: Kernel) -> None:
    times = np.linspace(0, 60, 600_001)
    h = kernel.response(times)
    assert times[np.argmax(h)] == pytest.approx(kernel.peak_time, abs=2e-4)
    if kernel.norm == "peak":
        assert h.max() == pytest.approx(1.0, abs=1e-7)
    area = quad(lambda t: float(kernel.response(t)), 0, 300, limit=500)[0]
    assert area == pytest.approx(1.0 if kernel.norm == "area" else kernel.gain, rel=1e-6)
    assert kernel.response([-1.0]) == 0


def test_the_plain_alpha_kernel() -> None:
    """|H(jw)| = 1/(tau (w^2 + 1/tau^2)), DC gain tau; peak 1/e at tau."""
    kernel, tau = AlphaKernel(3.0, "plain"), 3.0
    f = np.array([0.0, 10.0, 200.0])
    w = 2 * np.pi * f * 1e-3
    assert np.abs(kernel.transfer(f)) == pytest.approx(1 / (tau * (w**2 + 1 / tau**2)))
    assert float(kernel.response(tau)) == pytest.approx(1 / math.e)


def test_equal_time_constants_are_the_alpha_kernel() -> None:
    t = np.linspace(0, 30, 50)
    assert BiexponentialKernel(4.0, 4.0).response(t) == pytest.approx(AlphaKernel(4.0).response(t))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ExponentialKernel(0.0), "kernel.tau: 0.0 ms is not positive"),
        (lambda: AlphaKernel("5 mV"), "kernel.tau"),  # type: ignore[arg-type]
        (lambda: AlphaKernel(5.0, "tall"), "not one of plain, peak, area"),  # type: ignore[arg-type]
        (lambda: BiexponentialKernel(5.0, 5.0, "plain"), "use norm='peak'"),
    ],
)
def test_refusals(make, message) -> None:
    with pytest.raises(SpecError, match=message):
        make()
