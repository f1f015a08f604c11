"""What the pages of docs/how_to show in Python runs as it stands there."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.connectors.scripts import compile_mechanisms

FOLDER = Path(__file__).parent.parent / "docs" / "how_to"


def run_page(name: str, *arguments: str, told: tuple[str, ...] = ()) -> str:
    """What the Python of a page prints, run from the project's folder, warnings being errors.

    ``told`` are the beginnings of warnings that are not ours.
    """
    text = (FOLDER / name).read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))
    ours = [word for start in told for word in ("-W", f"ignore:{start}")]
    folder = str(Path(sys.executable).parent)  # where the scripts of the environment are
    done = subprocess.run(
        [sys.executable, "-W", "error", *ours, "-c", code, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=FOLDER.parent.parent,
        env={**os.environ, "PATH": os.pathsep.join([folder, os.environ.get("PATH", "")])},
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
def test_motion() -> None:
    told = run_page("motion.md")
    (left, right), (left_after, right_after) = (
        [float(number) for number in re.findall(r"[\d.]+", line)]
        for line in told.splitlines()
        if line.startswith(("before", "after"))
    )
    # The untrained kernel has no direction; what was shown is what is preferred.
    assert abs(left - right) < 0.3 * (left + right)
    assert left_after - right_after > 0.5 * (left_after + right_after)
    assert left_after > 20


@pytest.mark.slow
@pytest.mark.nest
def test_nest() -> None:
    assert run_page("nest.md").split()[-1] == "True"


@pytest.mark.slow
@pytest.mark.parametrize(
    "simulator",
    [
        "brian2",
        pytest.param("nest", marks=pytest.mark.nest),
        pytest.param("neuron", marks=pytest.mark.neuron),
    ],
)
def test_pynn(simulator: str) -> None:
    if importlib.util.find_spec(simulator) is None:
        pytest.skip(f"pip install '.[{simulator}]' brings what this test needs")
    if simulator == "neuron":
        compile_mechanisms()
    foreign = (
        "Cannot find nest-config",
        "Problem running cmake",
        "Unable to",
        "\n",
        "mpi4py not available",
    )
    printed = run_page("pynn.md", simulator, told=foreign).strip().splitlines()[-1]
    # One spike at each place of the map that prefers this direction, none in the other.
    assert printed == f"{simulator} simple: [28  0] complex: [28  0]"
