"""NEST and torch in one process: each uses the libraries that it came with.

Oracle: torch in a process without NEST.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import subprocess
import sys
import types

import pytest

from scnnbio._libraries import bound_to_its_own, flags_kept

#: A product of matrices and its gradients, which ATLAS adds in another order than torch's library.
WORK = """
import sys
from scnnbio._torch import load_torch
flags = sys.getdlopenflags()
if sys.argv[1] == "nest first":
    import scnnbio.backends.nest
    assert sys.getdlopenflags() == flags
assert ("nest" in sys.modules) == (sys.argv[1] == "nest first")
if sys.argv[2] == "conversion":
    from scnnbio.conversion import convert
    import torch
else:
    torch = load_torch()
assert sys.getdlopenflags() == flags

def digest():
    draw = torch.Generator().manual_seed(1)
    x = torch.randn(64, 3136, generator=draw)
    w = torch.randn(100, 3136, generator=draw, requires_grad=True)
    torch.sigmoid(0.01 * x @ w.T).sum().backward()
    return x @ w.T, w.grad

def said(values):
    return [hash(value.detach().numpy().tobytes()) for value in values]

print(torch.get_num_threads(), said(digest()))
import scnnbio.backends.nest
import nest
assert sys.getdlopenflags() == flags
nest.verbosity = nest.VerbosityLevel.ERROR if hasattr(nest, "VerbosityLevel") else "M_ERROR"
nest.set(local_num_threads=3)
cells = nest.Create("iaf_psc_alpha", 10, params={"I_e": 500.0})
nest.Simulate(10.0)
print(torch.get_num_threads(), said(digest()), nest.local_num_threads)
"""


def run(order: str, loads: str = "backend") -> list[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "2", "PYTHONHASHSEED": "0"}
    done = subprocess.run(
        [sys.executable, "-c", WORK, order, loads], env=environment, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [line for line in done.stdout.splitlines() if line[:2] in ("2 ", "1 ", "3 ")]


@pytest.mark.skipif(not hasattr(os, "RTLD_DEEPBIND"), reason="macOS binds so by itself")
def test_flags_change_only_beside_the_other_library(monkeypatch: pytest.MonkeyPatch) -> None:
    before = sys.getdlopenflags()
    monkeypatch.delitem(sys.modules, "nest", raising=False)
    with bound_to_its_own("nest"):
        assert sys.getdlopenflags() == before
    monkeypatch.setitem(sys.modules, "nest", types.ModuleType("nest"))
    with contextlib.suppress(ImportError), bound_to_its_own("nest"):
        assert sys.getdlopenflags() == os.RTLD_NOW | os.RTLD_DEEPBIND
        raise ImportError
    assert sys.getdlopenflags() == before
    with flags_kept():
        sys.setdlopenflags(os.RTLD_NOW | os.RTLD_GLOBAL)  # as NEST does
    assert sys.getdlopenflags() == before


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "RTLD_DEEPBIND"), reason="macOS binds so by itself")
def test_torch_adds_the_same_before_and_after_nest_and_without_it() -> None:
    for name in ("torch", "nest"):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"needs {name}")
    alone, beside = run("torch first")
    assert alone.startswith("2 [")
    assert beside == f"{alone} 3"
    assert run("nest first") == [alone, beside]
    assert run("nest first", "conversion") == [alone, beside]
