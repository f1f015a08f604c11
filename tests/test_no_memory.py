"""A run that gets no more memory ends with one line, and leaves nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli_calls import FILE, SMALL

_LIMITED = """
import resource, sys
from pathlib import Path
from scnnbio import cli, workflow

size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (size + 2**29, size + 2**29))
cli.main()
"""


@pytest.mark.slow
def test_a_limit_of_memory_is_one_line(tmp_path: Path) -> None:
    """100,000 maps that compete need a table of 100,000 x 100,000 bytes."""
    words = [*SMALL, "--set", "network.parameters.maps=100000", "--out", str(tmp_path / "out")]
    done = subprocess.run(
        [sys.executable, "-c", _LIMITED, "run", str(FILE), *words],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert "Unable to allocate" in line
    assert list(tmp_path.iterdir()) == []
