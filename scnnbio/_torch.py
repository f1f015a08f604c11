"""Import torch when it is first needed, with its own libraries."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from typing import Any

from scnnbio._libraries import bound_to_its_own
from scnnbio.errors import BackendMissing, install


def missing() -> str:
    """What must be installed; empty if nothing."""
    if importlib.util.find_spec("torch") is not None:
        return ""
    if sys.version_info < (3, 12):
        return f"torch not found: {install('torch')}"
    # Decision 0002: a requirement cannot name a build, so the extra brings torch on 3.11 alone.
    return "torch not found: install a CPU build of torch 2.6 or newer, as its own site says"


def load_torch(where: str = "backend 'torch'") -> Any:
    """The module torch, imported when it is first needed, which takes seconds.

    Parameters
    ----------
    where : str, optional
        What needs it, for errors.

    Returns
    -------
    module

    Raises
    ------
    BackendMissing
        If it is not installed, or does not load.
    """
    if absent := missing():
        raise BackendMissing(absent, where=where)
    try:
        with bound_to_its_own("nest"):
            return importlib.import_module("torch")
    except (ImportError, OSError) as error:
        raise BackendMissing(
            f"torch does not load ({error}); install it anew: {install('torch')}", where=where
        ) from error
