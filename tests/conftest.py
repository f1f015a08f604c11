"""What every module of tests leaves behind it."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, scope="module")
def empty_nest_after_a_module() -> Iterator[None]:
    """An oracle's network stays in NEST, where a run of the backend would not remove it."""
    yield
    if "nest" in sys.modules:
        sys.modules["nest"].ResetKernel()
