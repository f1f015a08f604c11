"""Importing sPyNNaker and unicorn, late."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

from scnnbio._turns import unwarned
from scnnbio.errors import BackendMissing, install

#: What every message about a missing part says to do.
INSTALL = install("spinnaker")


def missing(*modules: str) -> str:
    """What of some modules has to be installed; empty if nothing."""
    absent = [name for name in modules if importlib.util.find_spec(name) is None]
    return f"{' and '.join(absent)} not found: {INSTALL}" if absent else ""


def load_spynnaker() -> Any:
    """SPyNNaker's interface, imported when it is first needed, which takes seconds.

    Returns
    -------
    module

    Raises
    ------
    BackendMissing
        If it is not installed, or does not load.
    """
    absent = missing("spynnaker")
    if absent:
        raise BackendMissing(absent, where="backend 'spinnaker'")
    # It and the packages that it brings along warn of one another.
    with unwarned():
        try:
            return importlib.import_module("spynnaker.pyNN")
        except ImportError as error:
            raise BackendMissing(
                f"sPyNNaker does not load ({error}); install it anew: {INSTALL}",
                where="backend 'spinnaker'",
            ) from error
