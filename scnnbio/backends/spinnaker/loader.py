"""Import of sPyNNaker and unicorn when they are first needed."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

from scnnbio._exclusive import ignore_warnings
from scnnbio.errors import BackendMissing, install

#: Command in messages about missing packages.
INSTALL = install("spinnaker")


def missing(*modules: str) -> str:
    """Which of these modules must be installed; empty if none."""
    absent = [name for name in modules if importlib.util.find_spec(name) is None]
    return f"{' and '.join(absent)} not found: {INSTALL}" if absent else ""


def load_spynnaker() -> Any:
    """Import sPyNNaker's interface, which takes seconds.

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
    # sPyNNaker and its dependencies raise warnings on import.
    with ignore_warnings():
        try:
            return importlib.import_module("spynnaker.pyNN")
        except ImportError as error:
            raise BackendMissing(
                f"sPyNNaker does not load ({error}); install it again: {INSTALL}",
                where="backend 'spinnaker'",
            ) from error
