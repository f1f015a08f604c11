"""A training run that is killed at random moments, resumed, and killed again.

The uninterrupted run is the oracle: kernels, thresholds, snapshots and spikes are the same to the
last bit, however often a run was killed. ``SCNNBIO_KILLS`` sets the number of resumed runs, and
``SCNNBIO_SEED`` other moments.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from scnnbio.backends._lock import locked
from scnnbio.errors import BackendMissing
from scnnbio.verification import verify
from scnnbio.workflow.drafts import unfinished_runs
from tests.workflow.killing import PHASES, SHARES, Aim, Draft, Starter, lengths, starter
from tests.workflow.test_resume import MANY, WORDS, assert_same

#: Share of the runs that start from nothing, with a process per core, and not with their imports
#: done; and of resumed runs that are killed again.
COLD, AGAIN = 0.1, 0.35


def wait_for_programs(runs: Path) -> None:
    """A program notices that its input has ended, and lets its checkpoints go."""
    for lock in runs.glob(".out.*/.kept/*/checkpoint/lock"):
        with locked(lock, wait=60):
            pass


class Kills:
    """Kills runs of one experiment, and counts.

    Parameters
    ----------
    start : Starter
    words : list of str
        Command line of the run, without the folder.
    whole : Path
        Results of the uninterrupted run.
    seed : int
    """

    def __init__(self, start: Starter, words: list[str], whole: Path, seed: int) -> None:
        self.start, self.words, self.whole = start, words, whole
        self.rng = np.random.default_rng(seed)
        self.draft = Draft(whole.parent / "runs" / "out")
        self.draft.out.parent.mkdir()
        self.fell: Counter[tuple[str, str]] = Counter()
        self.counts: Counter[str] = Counter()
        first = start.warm([*words, "--out", str(self.draft.out), "--jobs", "1"])
        self.spent = lengths(first, self.draft)
        self.compare()

    def compare(self) -> None:
        """Compare finished results with those of the run that was not killed."""
        out, runs = self.draft.out, self.draft.out.parent
        assert unfinished_runs(runs) == {}
        assert_same(out, self.whole)
        assert verify(out, trials=0).sound
        assert [path.name for path in runs.iterdir()] == ["out"]
        shutil.rmtree(out)

    def attempt(self, words: list[str], *, kill: bool) -> bool:
        """Start a command and maybe kill it; returns whether it was killed."""
        cold = self.rng.random() < COLD
        running = self.start.cold(words) if cold else self.start.warm([*words, "--jobs", "1"])
        hit = Aim.draw(self.rng, self.spent).shoot(running, self.draft) if kill else None
        status, said = running.status(), running.said
        wait_for_programs(self.draft.out.parent)
        # Python says that its program was killed. A kill may also come after the end.
        allowed = {None: {0}, "program": {0, BackendMissing.exit_code}}
        assert status in allowed.get(hit and hit[1], {0, -signal.SIGKILL}), said
        if hit and status == BackendMissing.exit_code:
            assert "the compiled program was ended by signal 9" in said
        if status == 0:
            return False
        assert hit is not None
        self.fell[hit] += 1
        self.counts["of processes that start from nothing"] += cold
        return True

    def kill_and_resume(self) -> None:
        """Kill a run, resume it, perhaps kill it again, and compare what it comes to."""
        out, runs = self.draft.out, self.draft.out.parent
        afresh, resume = [*self.words, "--out", str(out)], ["resume", str(out)]
        killed, resumed = self.attempt(afresh, kill=True), False
        while not out.exists():
            assert killed
            resumed = unfinished_runs(runs) != {}
            self.counts["resumes"] += resumed
            self.counts["started again: nothing was done"] += not resumed
            kill = self.rng.random() < AGAIN
            killed = self.attempt(resume if resumed else afresh, kill=kill)
            self.counts["kills of resumed runs"] += killed and resumed
        self.compare()
        self.counts["resumed runs with the same bits"] += resumed
        self.counts["others with the same bits"] += not resumed

    def table(self) -> str:
        """The kills by phase, and the counts."""
        victims = ("python", "program", "both")
        rows = [f"{'':22}" + "".join(f"{name:>9}" for name in victims)]
        for phase in PHASES:
            cells = "".join(f"{self.fell[phase, name]:9}" for name in victims)
            rows.append(f"{phase:22}{cells}")
        rows.append(f"{'kills':22}{self.fell.total():9}")
        return "\n".join([*rows, *(f"{name}: {count}" for name, count in self.counts.items())])


def test_the_phase_of_a_run_is_read_from_its_files(tmp_path: Path) -> None:
    """In the order of a run; each phase counts as reached from then on."""
    draft = Draft(tmp_path / "out")
    kept = tmp_path / ".out.abcdefgh" / ".kept"
    steps: dict[str, Callable[[], object]] = {
        "starting": lambda: None,
        "preparing": lambda: (kept / "learn" / "checkpoint").mkdir(parents=True),
        "learning": (kept / "learn" / "checkpoint" / "state").touch,
        "writing a checkpoint": (kept / "learn" / "checkpoint" / "state.new").touch,
        "storing the stage": (kept / "learn" / "part").mkdir,
        "writing results": lambda: (kept / "learn" / "part").rename(kept / "learn" / "done"),
        "naming the folder": (kept.parent / "SHA256SUMS").touch,
        "finished": lambda: kept.parent.rename(tmp_path / "out"),
    }
    assert tuple(steps) == PHASES
    for number, (phase, happens) in enumerate(steps.items()):
        happens()
        assert draft.phase() == phase
        assert [draft.reached(one) for one in PHASES] == [k <= number for k in range(len(PHASES))]


def test_kills_aim_at_every_phase_and_process() -> None:
    spent = dict.fromkeys(PHASES, 2.0)
    rng = np.random.default_rng(1)
    aims = [Aim.draw(rng, spent) for _ in range(2000)]
    for phase, share in SHARES.items():
        # Four standard errors of a share.
        count = sum(aim.phase == phase for aim in aims)
        assert abs(count - 2000 * share) < 4 * (2000 * share) ** 0.5
    assert {aim.victim for aim in aims} == {"python", "program", "both"}
    assert all(0 <= aim.delay <= 2.0 for aim in aims)
    assert all(aim.victim != "python" for aim in aims if aim.phase == "writing a checkpoint")


@pytest.mark.validate
@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_a_run_that_is_killed_at_random_moments_ends_with_the_same_bits(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = int(os.environ.get("SCNNBIO_KILLS", "200"))
    seed = int(os.environ.get("SCNNBIO_SEED", "16"))
    say: Callable[[str], None] = print
    environment = {**os.environ, "SCNNBIO_CACHE": str(tmp_path / "cache"), "OMP_NUM_THREADS": "1"}
    words = ["run", str(MANY), "-b", "brian2-standalone"]
    for setting in (*WORDS, "backend.checkpoint_seconds=0.02"):
        words += ["--set", setting]
    with starter(tmp_path, environment) as start, capsys.disabled():
        whole = tmp_path / "whole"
        first = start.cold([*words, "--out", str(whole)])  # compiles, too
        assert first.status() == 0, first.said
        kills = Kills(start, words, whole, seed)
        say(
            f"\nseed {seed}; seconds by phase: { {k: round(v, 3) for k, v in kills.spent.items()} }"
        )
        try:
            while kills.counts["resumed runs with the same bits"] < wanted:
                kills.kill_and_resume()
        finally:
            say(kills.table())
    # Each phase was met, whoever was killed.
    assert wanted < 100 or {phase for phase, _ in kills.fell} == set(PHASES)
