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
import brian2 as b2
import numpy as np
from benchmarks.configurations import Configuration
from benchmarks.worker import program

configuration = Configuration(size=12, kernel=5, maps=4, dt=1.0, segment=500.0)
found = []
for name in ("floor", "scnnbio", "scnnbio-threads"):
    with tempfile.TemporaryDirectory() as folder:
        made = program(name)(configuration, Path(folder))
        made.construct()
        made.build()
        for _ in range(2):
            run = made.run()
            assert len(run.cpu_s) == 2 and min(run.cpu_s) >= 0, run
            found.append(made.counts().copy())
    b2.device.reinit()
assert found[0].sum() > 50, found[0].sum()
assert all(np.array_equal(found[0], counts) for counts in found[1:])
with tempfile.TemporaryDirectory() as folder:
    made = program("input")(configuration, Path(folder))
    made.construct()
    made.build()
    run = made.run()
    b2.device.reinit()
    assert len(run.cpu_s) == 3 and min(run.cpu_s) > 0, run
    expected = 5.0 * 2 * 12**2 * 5.0
    assert abs(run.spikes - expected) < 5 * expected**0.5, run
print("the same")
"""


def test_tables_say_what_was_measured() -> None:
    """Of rows with round numbers; what the tables should say was worked out by hand."""
    from benchmarks.report import _TABLES

    at = "2x128x128, 5x5→16, dt 1, 5 Hz"
    ours = {"configuration": at, "implementation": "scnnbio", "precision": "double"}
    one = ours | {"cpu_s": 0.1, "wall_s": 0.12, "simulated_s": 0.5, "fingerprint": 7}
    two = one | {"implementation": "scnnbio, two threads", "cpu_s": 0.15, "wall_s": 0.08}
    served = {"draw_s": 0.02, "feed_s": 0.01, "program_s": 0.01, "simulated_s": 2.0}
    served |= {"configuration": at, "spikes": 1000}
    rows = {"convolution": [one], "threads": [two], "input": [served]}
    assert _TABLES["threads"](rows)[-1] == f"| {at} | 0.240 | 0.160 | 0.200 | 0.300 | 1.50 | yes |"
    # 20 ms of 200 + 15 ms a second.
    assert _TABLES["input"](rows)[-1] == (
        "| 2x128x128, dt 1, 5 Hz | 500 | 10.0 | 5.0 | 5.0 | 9.3 % (5x5→16) |"
    )


@pytest.mark.slow
def test_peers_train_the_same_network() -> None:
    """The first layer fires the same spikes, up to rounding in single precision."""
    for module in ("torch", "snntorch"):
        pytest.importorskip(module)
    from benchmarks.peers import Ours, SnnTorch, table

    ours, theirs = Ours("training", 1).run(), SnnTorch("training", 1).run()
    assert ours > 10_000
    assert theirs == pytest.approx(ours, rel=1e-3)
    rows = {"a": {"cpu_s": 2.0, "wall_s": 1.0}, "b": {"cpu_s": 3.0, "wall_s": 4.0}}
    assert table({"x": rows})[-1] == "| x | b | 3.000 | 4.000 | 1.50 | 4.00 |"


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
