"""Brian2's state of the process while a run uses it: put back afterwards as it was.

A run has a device of its own, so that what the user has on Brian2's devices stays there: a network
that is half built for standalone mode, the step of the default clock, random numbers.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Iterator
from typing import Any

import brian2 as b2

from scnnbio._turns import Turn
from scnnbio.neurons.arithmetic import deep_trees

#: Both backends use the same state.
TURN = Turn("Brian2")
#: Our device among Brian2's, which looks a device's name up there.
_OURS = "scnnbio"


@contextlib.contextmanager
def borrowed(device: Any, preferences: dict[str, Any], **options: Any) -> Iterator[None]:
    """Work on a device of our own, with preferences of our own.

    Parameters
    ----------
    device : Device
        A new one of Brian2's.
    preferences : dict
    **options
        What the device is activated with.
    """
    # brian2.devices.device is not the module of that name but the device that it holds.
    module: Any = importlib.import_module("brian2.devices.device")
    before, stack = module.active_device, list(module.previous_devices)
    # Set by hand: Brian2 would give our clock the user's step, and activate the user's device anew.
    module.active_device = b2.all_devices[_OURS] = device
    try:
        with _preferred(preferences):
            device.activate(**options)
            yield
    finally:
        module.active_device = before
        module.previous_devices[:] = stack
        del b2.all_devices[_OURS]
        # What Python has not collected yet holds the device, and that all arrays.
        device.reinit()


@contextlib.contextmanager
def _preferred(values: dict[str, Any]) -> Iterator[None]:
    """Set Brian2's preferences, let it read deep trees, and put the user's back."""
    before = {name: b2.prefs[name] for name in values}
    try:
        for name, value in values.items():
            b2.prefs[name] = value
        with deep_trees():
            yield
    finally:
        for name, value in before.items():
            b2.prefs[name] = value
