"""What the pages of docs/how_to show in Python runs as it stands there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent / "docs" / "how_to"


def run_page(name: str) -> str:
    """What the Python of a page prints, run from the project's folder, warnings being errors."""
    text = (FOLDER / name).read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=FOLDER.parent.parent,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_neurons() -> None:
    told = run_page("neurons.md")
    assert "uses inconsistent units ('I' has unit A; 'v / tau_s' has unit V/s)" in told
    assert "I_0*exp(-t/tau_s)" in told
    # 1/(20 ms ln(I R/(I R - 15 mV))) with R = 20 MOhm; none below the rheobase of .75 nA.
    assert "[ 0.         36.06737602 72.13475204]" in told
    assert "tau=10.0" in told


@pytest.mark.slow
def test_learning() -> None:
    told = run_page("learning.md")
    assert told.startswith("(16, 2, 9, 9) {'v1': ")
    # At most one map fires at each of nine places in 300 trials, each once or a few times.
    assert 300 < int(re.findall(r"\d+", told)[-1]) < 9 * 300 * 4


@pytest.mark.slow
@pytest.mark.nest
def test_nest() -> None:
    assert run_page("nest.md").split()[-1] == "True"
