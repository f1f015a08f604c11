"""The command line as a process of its own, with or without a terminal."""

from __future__ import annotations

import os
import pty
import select
import struct
import subprocess
import sys
import termios
from fcntl import ioctl
from pathlib import Path

ROOT = Path(__file__).parents[1]
CODE = "import sys; from scnnbio.cli import main; sys.argv[0] = 'scnnbio'; main()"
#: Of which no scnnbio is found in the folder that a test works in.
PATH = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
QUICK = ("run", "v1_features", "--profile", "quick", "--out", "out")


def environment(**changes: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "FORCE_COLOR", "TERM")}
    return {**kept, "PYTHONPATH": PATH, **changes}


def command(*words: object, cwd: Path, **changes: str) -> subprocess.CompletedProcess[bytes]:
    """The command, with its standard output and error in pipes."""
    return subprocess.run(
        [sys.executable, "-c", CODE, *map(str, words)],
        cwd=cwd,
        env=environment(**changes),
        capture_output=True,
        check=False,
        timeout=300,
    )


def on_terminal(*words: object, cwd: Path, columns: int) -> tuple[int, str]:
    """Exit code, and all that is shown, where standard output and error are a terminal."""
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-c", CODE, *map(str, words)],
        cwd=cwd,
        env=environment(TERM="xterm"),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    shown = b""
    # Linux answers a terminal that was closed on the other side with an error.
    while select.select([ours], [], [], 300)[0]:
        try:
            part = os.read(ours, 65536)
        except OSError:
            break
        if not part:
            break
        shown += part
    os.close(ours)
    return process.wait(), shown.decode()
