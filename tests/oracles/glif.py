"""GLIF neurons under a constant current, step by step, in either of two conventions.

Written from the equations of Teeter et al. 2018 and from what NEST documents of ``glif_psc``, with
nothing shared with the package. The conventions differ in two places, and in no others:

- ``"grid"``, ours: the reset rule takes the potential of the grid point at which the threshold is
  found crossed, and after-spike currents decay within the step;
- ``"nest"``: it takes the potential one step earlier, and an after-spike current counts with its
  mean over the step.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np

Values = Mapping[str, np.ndarray]


def spikes(
    p: Values,
    level: int,
    current: np.ndarray,
    steps: int,
    dt: float,
    convention: Literal["grid", "nest"],
) -> list[np.ndarray]:
    """Steps at which each neuron fires (from 1), for parameters in mV, ms, nF and nA."""
    rule, asc, follows = level in (2, 4, 5), level >= 3, level == 5
    n = len(current)
    v, spiked, threshold_v = np.zeros(n), np.zeros(n), np.zeros(n)  # above rest
    after = np.zeros((2, n))
    waiting = np.zeros(n, dtype=int)
    found: list[list[int]] = [[] for _ in range(n)]
    taus = np.array([p["asc_tau1"], p["asc_tau2"]]) if asc else np.ones((2, n))
    amplitudes = np.array([p["asc_amp1"], p["asc_amp2"]]) if asc else np.zeros((2, n))
    tau, cm = p["tau_m"], p["cm"]
    decay = np.exp(-dt / tau)
    held = np.round(p["tau_refrac"] / dt).astype(int)
    for step in range(1, steps + 1):
        free = waiting == 0
        mean = after * taus / dt * (1 - np.exp(-dt / taus))
        if convention == "nest":
            drive = (current + mean.sum(axis=0)) * tau / cm
            new = v * decay + drive * (1 - decay)
            new_follow = _follow(p, threshold_v, v - drive, drive, dt) if follows else threshold_v
        else:
            new, new_follow = _exact(p, v, threshold_v, current, after, taus, dt, follows)
        spiked = (
            np.where(free & rule, spiked * np.exp(-dt / p["th_spike_tau"]), spiked)
            if (rule)
            else spiked
        )
        after = np.where(free, after * np.exp(-dt / taus), after)
        old, v = v, np.where(free, new, v)
        threshold_v = np.where(free, new_follow, threshold_v)
        fires = free & (v >= p["v_thresh"] - p["v_rest"] + spiked + threshold_v)
        for k in np.flatnonzero(fires):
            found[k].append(step)
        waiting = np.where(fires, held, np.maximum(waiting - 1, 0))
        if rule:
            base = old if convention == "nest" else v
            to = p["voltage_reset_fraction"] * base + p["voltage_reset_add"]
            kept = spiked * np.exp(-p["tau_refrac"] / p["th_spike_tau"]) + p["th_spike_add"]
            spiked = np.where(fires, kept, spiked)
        else:
            to = p["v_reset"] - p["v_rest"]
        v = np.where(fires, to, v)
        left = after * np.exp(-p["tau_refrac"] / taus) + amplitudes
        after = np.where(fires & asc, left, after)
    return [np.array(times) for times in found]


def _follow(p: Values, theta, away, drive, dt: float):
    """theta' = (gain v - theta)/tau_v along v = drive + away exp(-t/tau_m)."""
    gain, tau_v, tau = p["th_voltage_gain"], p["th_voltage_tau"], p["tau_m"]
    pull = gain * away / tau_v / (1 / tau_v - 1 / tau)
    fall = np.exp(-dt / tau_v)
    return pull * np.exp(-dt / tau) + gain * drive + (theta - pull - gain * drive) * fall


def _exact(p: Values, v, theta, current, after, taus, dt: float, follows: bool):
    """v and theta along v = drive + away exp(-t/tau_m) + sum of c_k exp(-t/asc_tau_k)."""
    tau, cm = p["tau_m"], p["cm"]
    drive = current * tau / cm
    parts = after / cm / (1 / tau - 1 / taus)
    away = v - drive - parts.sum(axis=0)
    new = drive + away * np.exp(-dt / tau) + (parts * np.exp(-dt / taus)).sum(axis=0)
    if not follows:
        return new, theta
    gain, tau_v = p["th_voltage_gain"], p["th_voltage_tau"]
    rows = [(away, tau), *zip(parts, taus, strict=True)]
    pulls = [gain * a / tau_v / (1 / tau_v - 1 / t) for a, t in rows]
    start = theta - gain * drive - sum(pulls)
    theta = gain * drive + start * np.exp(-dt / tau_v)
    return new, theta + sum(q * np.exp(-dt / t) for q, (_, t) in zip(pulls, rows, strict=True))
