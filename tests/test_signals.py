"""What a signal leaves of a run of the command line."""

from __future__ import annotations

import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scnnbio.cli.ending import EXIT_CODES, Interrupted, interruptible
from tests.command_lines import CODE, QUICK, environment

#: A shell starts what runs in its background with interrupts ignored, and children inherit it.
HEEDING = f"import signal; signal.signal(signal.SIGINT, signal.default_int_handler); {CODE}"


@pytest.mark.parametrize(
    ("number", "said"), [(signal.SIGINT, "interrupted"), (signal.SIGTERM, "terminated")]
)
def test_a_signal_raises_within_the_block_alone(number: int, said: str) -> None:
    """Other handlers come back after it; one that ignores the signal stays."""
    before = signal.signal(number, signal.SIG_IGN)
    try:
        with interruptible():
            os.kill(os.getpid(), number)
        assert signal.getsignal(number) == signal.SIG_IGN
        usual = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
        signal.signal(number, usual)
        with pytest.raises(Interrupted, match=said) as raised, interruptible():
            signal.raise_signal(number)
        assert raised.value.exit_code == 128 + number
        assert signal.getsignal(number) == usual
    finally:
        signal.signal(number, before)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "said"), [(signal.SIGINT, "interrupted"), (signal.SIGTERM, "terminated")]
)
@pytest.mark.parametrize("backend", ["brian2", "brian2-standalone"])
def test_a_signal_leaves_one_line_and_nothing_half_written(
    backend: str, number: int, said: str, tmp_path: Path
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", HEEDING, *QUICK, "--backend", backend],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    # Of the runtime while it simulates; of standalone before, while it compiles.
    phase = "simulating" if backend == "brian2" else "compiling"
    for line in process.stderr:
        if line.startswith(phase):
            break
    time.sleep(0.5)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert process.returncode in EXIT_CODES
    assert out == ""
    ended = [line for line in err.splitlines() if not line.startswith(("drawing", phase))]
    assert ended == [f"error: {said}"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_signal_says_how_to_go_on_with_what_was_finished(tmp_path: Path) -> None:
    words = (
        "--backend",
        "reference",
        "--profile",
        "tiny",
        "--set",
        "stages.control.stimulus.n_trials=3000",
    )
    process = subprocess.Popen(
        [sys.executable, "-c", CODE, *QUICK, *words],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("drawing input spikes (control)"):
            break
    process.send_signal(signal.SIGTERM)
    last = process.communicate(timeout=60)[1].splitlines()[-1]
    assert process.returncode == 143
    assert last == ("error: terminated; finished parts are kept: resume with 'scnnbio resume out'")


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("setsid") is None, reason="needs setsid, of util-linux")
def test_ctrl_c_on_a_terminal_takes_the_bars_away(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        ["setsid", "--ctty", "--wait", sys.executable, "-c", HEEDING, *QUICK, "-b", "brian2"],
        cwd=tmp_path,
        env=environment(TERM="xterm", COLUMNS="100"),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    shown, pressed = b"", False
    while select.select([ours], [], [], 120)[0]:
        try:
            shown += os.read(ours, 65536)
        except OSError:
            break
        if b"simulating" in shown and not pressed:
            pressed = True
            os.write(ours, b"\x03")
    os.close(ours)
    assert process.wait(60) == 130
    # What a bar erases of itself, then the one line.
    assert shown.decode().rstrip().endswith("error: \x1b[0minterrupted")
    assert b"\x1b[2K" in shown
    assert list(tmp_path.iterdir()) == []
