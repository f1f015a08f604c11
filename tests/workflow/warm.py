"""A process that has imported scnnbio, and forks a command line as often as it is asked.

A kill then costs what the command does, and not two seconds of imports. ``python -m
tests.workflow.warm`` reads a line of JSON per command: its words, and the file for its output. It
answers with the number of the process, and when that has ended, with its status. These processes
draw one figure, where all would take two thirds of their time.
"""

from __future__ import annotations

import importlib
import json
import os
import sys

#: What a run imports on the way, none of which starts a thread or a process.
_MODULES = (
    "scnnbio.backends.brian2.backend", "scnnbio.workflow.main", "scnnbio.verification",
    "scnnbio.figures.drawing", "scnnbio.figures.warm", "scnnbio.validation.fits", "scipy.stats",
    "h5py",
)  # fmt: skip


def main() -> None:
    """Fork a process per line."""
    from scnnbio.cli import main as command_line

    for name in _MODULES:
        importlib.import_module(name)
    registry = importlib.import_module("scnnbio.figures.registry")
    registry.names_for = lambda _: ["learning"]
    for line in sys.stdin:
        words, said = json.loads(line)
        if pid := os.fork():
            print(pid, flush=True)
            print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
            continue
        nothing, output = os.open(os.devnull, os.O_RDONLY), os.open(said, os.O_CREAT | os.O_WRONLY)
        for target, source in enumerate((nothing, output, output)):
            os.dup2(source, target)
        sys.argv = ["scnnbio", *words]
        command_line()
        return


if __name__ == "__main__":
    main()
