"""Command lines that are killed: when, who of their processes, and where they were."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

Rng = np.random.Generator
_ROOT = Path(__file__).parents[2]

#: Phases of a run, in their order, and the share of the kills that are aimed at each.
SHARES = {
    "starting": 0.1,  # Python, before there is a draft
    "preparing": 0.1,  # until the program's first checkpoint
    "learning": 0.3,
    "writing a checkpoint": 0.2,
    "storing the stage": 0.05,
    "writing results": 0.15,  # scores and figures, too
    "naming the folder": 0.08,  # everything is written, under another name
    "finished": 0.02,  # but for the removal of the checkpoints
}
#: Seconds after the beginning of the last two phases in which they are done.
_LAST = 0.002
PHASES = tuple(SHARES)


@dataclass(frozen=True)
class Draft:
    """What a run has written so far of the results folder ``out``, whose stage is ``learn``."""

    out: Path

    @property
    def folder(self) -> Path | None:
        """The draft, if there is one."""
        return next(self.out.parent.glob(f".{self.out.name}.*"), None)

    def phase(self) -> str:
        """The phase of the run."""
        folder = self.folder
        if folder is None:
            return "finished" if self.out.exists() else "starting"
        if (folder / "SHA256SUMS").exists():
            return "naming the folder"
        stage = folder / ".kept" / "learn"
        if (stage / "done").exists():
            return "writing results"
        if (stage / "part").exists():
            return "storing the stage"
        if (stage / "checkpoint" / "state.new").exists():
            return "writing a checkpoint"
        return "learning" if (stage / "checkpoint" / "state").exists() else "preparing"

    def reached(self, phase: str) -> bool:
        """Whether a phase has begun; writing a checkpoint lasts for a moment, and comes again."""
        now = self.phase()
        if phase == "writing a checkpoint":
            return now == phase or PHASES.index(now) > PHASES.index(phase)
        return PHASES.index(now) >= PHASES.index(phase)


class Running:
    """A command at work.

    Parameters
    ----------
    pid : int
        Its process, which another one waits for by ``ended``.
    ended : callable
        Waits for its end, and returns its status.
    said : Path
        What it printed.
    """

    def __init__(self, pid: int, ended: Callable[[], int], said: Path) -> None:
        self._pid, self._ended, self._said = pid, ended, said
        self._file = os.pidfd_open(pid)  # of no other process, even if it ends now

    def over(self, seconds: float) -> bool:
        """Whether it ends within this time."""
        return bool(select.select([self._file], [], [], seconds)[0])

    def status(self) -> int:
        """Wait for the end."""
        try:
            return self._ended()
        finally:
            os.close(self._file)

    @property
    def said(self) -> str:
        """What it printed."""
        return self._said.read_text(errors="replace")

    def program(self) -> int | None:
        """The compiled program that it has started, if that runs."""
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{self._pid}/task").iterdir():
                for child in (task / "children").read_text().split():
                    if os.readlink(f"/proc/{child}/exe").endswith("/main"):
                        return int(child)
        return None

    def kill(self, victim: str) -> str:
        """SIGKILL to ``python``, its ``program``, or ``both``; returns who it was.

        If there is no program, it is Python.
        """
        program = None if victim == "python" else self.program()
        if program is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(program, signal.SIGKILL)
        if program is None or victim == "both":
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._file, signal.SIGKILL)
        return "python" if program is None else victim


class Starter:
    """Starts command lines, from a process that has imported scnnbio or from the very beginning.

    Parameters
    ----------
    folder : Path
        For what they print.
    environment : dict of str to str
    """

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._said, self._environment = folder / "said", environment
        self._warm = subprocess.Popen(
            [sys.executable, "-m", "tests.workflow.warm"], env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=_ROOT,
        )  # fmt: skip

    def warm(self, words: Sequence[str]) -> Running:
        """One that has its imports already."""
        self._said.unlink(missing_ok=True)
        asked, answer = self._warm.stdin, self._warm.stdout
        assert asked is not None
        assert answer is not None
        asked.write(json.dumps([list(words), str(self._said)]) + "\n")
        asked.flush()
        return Running(int(answer.readline()), lambda: int(answer.readline()), self._said)

    def cold(self, words: Sequence[str]) -> Running:
        """One that starts as a user starts it."""
        with self._said.open("wb") as said:
            process = subprocess.Popen(
                [sys.executable, "-m", "scnnbio", *words], env=self._environment, cwd=_ROOT,
                stdout=said, stderr=said,
            )  # fmt: skip
        return Running(process.pid, process.wait, self._said)

    def end(self) -> None:
        """End the process that has imported scnnbio."""
        self._warm.communicate()


@contextlib.contextmanager
def starter(folder: Path, environment: dict[str, str]) -> Iterator[Starter]:
    """A starter, ended with the block."""
    made = Starter(folder, environment)
    try:
        yield made
    finally:
        made.end()


def lengths(running: Running, draft: Draft) -> dict[str, float]:
    """Seconds that a run, which is not killed, spends in each phase."""
    spent, before = dict.fromkeys(PHASES, 0.0), time.monotonic()
    while not running.over(0.001):
        now = time.monotonic()
        spent[draft.phase()] += now - before
        before = now
    assert running.status() == 0, running.said
    return spent


@dataclass(frozen=True)
class Aim:
    """A random moment in a phase, and who is killed then.

    Parameters
    ----------
    phase : str
    delay : float
        After the beginning of the phase (s). While a checkpoint is written there is no delay: the
        first one after this time of learning counts.
    victim : str
    """

    phase: str
    delay: float
    victim: str

    @classmethod
    def draw(cls, rng: Rng, spent: dict[str, float]) -> Aim:
        """Draw one; ``spent`` has the length of each phase."""
        phase = str(rng.choice(PHASES, p=list(SHARES.values())))
        last = dict.fromkeys(PHASES[-2:], _LAST)
        length = {**spent, "writing a checkpoint": spent["learning"], **last}[phase]
        victim = str(rng.choice(["python", "program", "both"]))
        if phase == "writing a checkpoint" and victim == "python":
            victim = "both"  # the program itself writes it
        return cls(phase, float(rng.uniform(0.0, length)), victim)

    def shoot(self, running: Running, draft: Draft) -> tuple[str, str] | None:
        """Wait for the moment, and kill; returns the phase and who it was, None if it was over."""
        late = self.phase in ("storing the stage", *PHASES[-2:])
        first = "learning" if self.phase == "writing a checkpoint" else self.phase
        # Phases of a millisecond are looked for all the time, once the run comes near to them.
        near = "learning" if self.phase == "storing the stage" else "writing results"
        while not draft.reached(first):
            if running.over(0.0 if late and draft.reached(near) else 0.002):
                return None
        if running.over(self.delay):
            return None
        while self.phase == "writing a checkpoint" and not draft.reached(self.phase):
            if running.over(0.0):
                return None
        victim = running.kill(self.victim)
        return draft.phase(), victim
