"""What is measured is what the backend runs: the programs of benchmarks/ on a small layer."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

# In a process of its own: Brian2's device is a global.
_RUN = """
import sys, tempfile
from pathlib import Path
import numpy as np
from benchmarks.configurations import Configuration
from benchmarks.worker import program

configuration = Configuration(size=12, kernel=5, maps=4, dt=1.0, segment=500.0)
found = []
for name in ("floor", "scnnbio"):
    with tempfile.TemporaryDirectory() as folder:
        made = program(name)(configuration, Path(folder))
        made.construct()
        made.build()
        for _ in range(2):
            run = made.run()
            assert len(run.cpu_s) == 2 and min(run.cpu_s) >= 0, run
            found.append(made.counts().copy())
assert found[0].sum() > 50, found[0].sum()
assert all(np.array_equal(found[0], counts) for counts in found[1:])
print("the same")
"""


@pytest.mark.slow
def test_the_backend_is_measured_again_and_again_and_fires_as_the_hand_written_loop() -> None:
    """benchmarks/floor.cpp is the oracle; a second run must not go on from the first one's end."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _RUN],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parent.parent,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[-2] == "the same"
