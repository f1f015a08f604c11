"""Brian2's global state during a run; it is restored afterwards.

A run uses its own device, so that the user's state on Brian2's devices is kept: a network that is
partly built for standalone mode, the step of the default clock, random numbers.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Iterator
from typing import Any

import brian2 as b2

from scnnbio._exclusive import ExclusiveResource
from scnnbio.neurons.arithmetic import deep_trees

#: Both backends use the same state.
BRIAN2_STATE = ExclusiveResource("Brian2")
#: Name of scnnbio's device in Brian2's table of devices.
_OURS = "scnnbio"


@contextlib.contextmanager
def borrowed(device: Any, preferences: dict[str, Any], **options: Any) -> Iterator[None]:
    """Use another Brian2 device and other preferences within the block.

    Parameters
    ----------
    device : Device
        A new device of Brian2.
    preferences : dict
    **options
        Options for activating the device.
    """
    # The attribute brian2.devices.device is the active device, not the module of that name.
    module: Any = importlib.import_module("brian2.devices.device")
    before, stack = module.active_device, list(module.previous_devices)
    # Not by set_device, which would copy the user's time step and activate the user's device again.
    module.active_device = b2.all_devices[_OURS] = device
    try:
        with preferred(preferences):
            device.activate(**options)
            yield
    finally:
        module.active_device = before
        module.previous_devices[:] = stack
        del b2.all_devices[_OURS]
        # Frees all arrays, as uncollected objects may still refer to the device.
        device.reinit()


@contextlib.contextmanager
def preferred(values: dict[str, Any]) -> Iterator[None]:
    """Set Brian2's preferences and Python's recursion limit, and restore them.

    Parameters
    ----------
    values : dict
        By the preference's name.
    """
    before = {name: b2.prefs[name] for name in values}
    try:
        for name, value in values.items():
            b2.prefs[name] = value
        with deep_trees():
            yield
    finally:
        for name, value in before.items():
            b2.prefs[name] = value
