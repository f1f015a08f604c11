"""A compiled run with an analog drive that is killed and resumed ends with the same bits."""

from __future__ import annotations

import struct
import time
from pathlib import Path
from typing import IO

import numpy as np
import pytest

from scnnbio import backends
from scnnbio.backends.brian2 import running
from scnnbio.backends.brian2.driving import DriveStream
from tests.inputs.networks import TRIALS, experiment


class Killed(BaseException):
    """Stands for a signal that kills the process without any cleaning up."""


def finished_trials(folder: Path) -> int:
    state = folder / "state"
    return struct.unpack("=q", state.read_bytes()[:8])[0] if state.exists() else 0


@pytest.mark.slow
def test_a_driven_run_is_resumed_with_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed in each trial. States, and values in transit, pass from one trial to the next."""
    one = experiment("values", reset=False)
    backend = backends.get("brian2-standalone", {"checkpoint_seconds": 0.0})
    whole = backend.run(one)
    assert len(whole.recording.spikes["v1"].time) > 20
    real, pipes = DriveStream.trial, list[IO[bytes]]()
    for cut in range(1, TRIALS):
        folder = tmp_path / str(cut)
        folder.mkdir()

        def until_cut(self, trial, cut=cut, folder=folder):
            if trial < cut:
                return real(self, trial)
            pipes[-1].flush()
            until = time.monotonic() + 60
            while finished_trials(folder) < cut:
                assert time.monotonic() < until
                time.sleep(0.01)
            raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(DriveStream, "trial", until_cut)
            patch.setattr(running, "_enlarge", pipes.append)
            with pytest.raises(Killed):
                backend.run(one, checkpoint=folder)
        assert finished_trials(folder) == cut
        resumed = backend.run(one, checkpoint=folder).recording
        for name, spikes in whole.recording.spikes.items():
            for column in ("time", "unit", "trial"):
                np.testing.assert_array_equal(
                    getattr(resumed.spikes[name], column), getattr(spikes, column)
                )
