"""Executors of a plan: processes of this machine, workers of Dask, an array of Slurm."""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from scnnbio.errors import BackendMissing, DataError, SpecError
from scnnbio.experiment import Report
from scnnbio.files import write_atomically
from scnnbio.sweep.plan import Plan, Point
from scnnbio.sweep.working import new_round, work_through

#: Exit code of ``scnnbio work`` if a point failed.
FAILED = 4
_SECONDS = 0.2
_ARRAY = "array.sh"


def finished(plan: Plan, round_: str) -> tuple[int, list[Point]]:
    """Number of points that are done, and the points that failed in this round."""
    points = list(plan.points())
    done = sum(point.done for point in points)
    left = (point for point in points if not point.done)
    return done, [point for point in left if point.failed().get("round") == round_]


def on_this_machine(plan: Plan, jobs: int = 1, report: Report | None = None) -> list[Point]:
    """Execute a plan in processes of this machine.

    A process that is killed loses no finished point; another one starts in its place and resumes
    the point at which it was killed. The number of such starts is limited to that of the points.

    Parameters
    ----------
    plan : Plan
    jobs : int
        Number of processes.
    report : callable, optional
        Called as ``report("points", done, total)``.

    Returns
    -------
    list of Point
        The points that failed.

    Raises
    ------
    DataError
        If processes are killed again and again.
    """
    round_, total = new_round(), len(plan)

    def say() -> int:
        done, failed = finished(plan, round_)
        if report is not None:
            report("points", done + len(failed), total)
        return done + len(failed)

    if jobs == 1:
        work_through(plan, round_, each=say)
        return finished(plan, round_)[1]
    command = [*_command(plan), "--round", round_]
    workers = [subprocess.Popen(command) for _ in range(min(jobs, total))]
    starts = 0
    try:
        while say() < total:
            for place, worker in enumerate(workers):
                code = worker.poll()
                if code is not None and code != 0:
                    starts += 1
                    if starts > total:
                        raise DataError(
                            f"{starts} processes ended with status {code}; if memory is short, use"
                            " fewer --jobs",
                            where=str(plan.folder),
                        )
                    workers[place] = subprocess.Popen(command)
            if all(worker.poll() == 0 for worker in workers):
                # A worker passes over what another one has; what that one left is still to do.
                work_through(plan, round_)
            time.sleep(_SECONDS)
    finally:
        for worker in workers:
            worker.terminate()
        for worker in workers:
            worker.wait()
    return finished(plan, round_)[1]


def on_dask(plan: Plan, address: str, report: Report | None = None) -> list[Point]:
    """Execute a plan on the workers of a Dask cluster, which must see its folder.

    Each point runs in a process of its own, so that a simulator's memory and state end with it.

    Parameters
    ----------
    plan : Plan
    address : str
        Of the scheduler, such as ``tcp://node1:8786``.
    report : callable, optional

    Returns
    -------
    list of Point
        The points that failed.

    Raises
    ------
    BackendMissing
        If Dask is not installed.
    DataError
        If no scheduler answers, or processes are killed again and again; the other points are done.
    """
    try:
        from distributed import Client, as_completed
    except ImportError:
        raise BackendMissing(
            "Dask is not installed; pip install '.[sweep]'", where="--dask"
        ) from None
    round_, total = new_round(), len(plan)
    waiting = [point for point in plan.points() if not point.done]
    done = total - len(waiting)
    try:
        client = Client(address, timeout="10s")
    except (OSError, ValueError) as error:
        raise DataError(f"no Dask scheduler answers ({error})", where=address) from None
    with client:
        commands = [[*_command(plan, "python"), *_of(point, round_)] for point in waiting]
        # The same command is a new task each time: its result is in the folder.
        tasks = client.map(run_command, commands, pure=False, retries=2)
        wrong = []
        for task in as_completed(tasks):
            if (failure := task.exception()) is not None:
                wrong.append(str(failure))
            done += 1
            if report is not None:
                report("points", done, total)
    if wrong:
        raise DataError(
            f"{len(wrong)} points were given up, as their processes ended again and again"
            f" ({wrong[0]}); execute the plan again",
            where=str(plan.folder),
        )
    return finished(plan, round_)[1]


def run_command(command: Sequence[str]) -> None:
    """Run a command on a worker, with its own Python; raises if it is killed or cannot begin.

    A point that fails is written down in its folder, and is no reason to run it again.
    """
    words = [sys.executable if word == "python" else word for word in command]
    code = subprocess.run(words, check=False, stdin=subprocess.DEVNULL).returncode
    if code not in (0, FAILED):
        raise subprocess.CalledProcessError(code, words)


def on_slurm(
    plan: Plan, options: str = "", processes: int = 1, *, submit: bool = True
) -> tuple[Path, str]:
    """Submit a plan as an array of Slurm, one task per point that is not done.

    Parameters
    ----------
    plan : Plan
    options : str
        Of ``sbatch``, such as ``"--time=2:00:00 --mem=8G"``.
    processes : int
        MPI processes per point, started by ``srun``; for backends that divide a network over them.
    submit : bool
        Whether to call ``sbatch``; if not, only the script is written.

    Returns
    -------
    script : Path
    said : str
        What ``sbatch`` said; empty if it was not called.

    Raises
    ------
    SpecError
        If an option or the number of processes is wrong, or nothing is left to do.
    BackendMissing
        If there is no ``sbatch``.
    DataError
        If ``sbatch`` refuses.
    """
    if processes < 1:
        raise SpecError(f"{processes} processes are too few; write 1 or more", where="processes")
    numbers = [point.number for point in plan.points() if not point.done]
    if not numbers:
        raise SpecError("every point is done; nothing is left to do", where=str(plan.folder))
    work = [*_command(plan), "--round", new_round(), "--point"]
    start = f"srun --ntasks={processes} " if processes > 1 else ""
    lines = [
        "#!/bin/sh",
        f"#SBATCH --job-name={shlex.quote(plan.folder.name)}",
        f"#SBATCH --array={_ranges(numbers)}",
        f"#SBATCH --ntasks={processes}",
        f"#SBATCH --output={shlex.quote(str(plan.folder))}/slurm-%A_%a.txt",
        "# Finished points are passed over, so that the same array can be submitted again.",
        f'exec {start}{shlex.join(work)} "$SLURM_ARRAY_TASK_ID"',
    ]
    script = plan.folder / _ARRAY
    write_atomically(("\n".join(lines) + "\n").encode(), script)
    if not submit:
        return script, ""
    try:
        words = ["sbatch", *shlex.split(options), str(script)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise BackendMissing(
            f"there is no sbatch on this machine; submit {script} where there is", where="--sbatch"
        ) from None
    except ValueError as error:
        raise SpecError(f"{options!r} cannot be read ({error})", where="--sbatch") from None
    if done.returncode:
        raise DataError(f"sbatch refuses: {done.stderr or done.stdout}", where="--sbatch")
    return script, done.stdout.strip()


def _ranges(numbers: Sequence[int]) -> str:
    """Numbers as Slurm reads them: ``1-3,7``."""
    found: list[list[int]] = []
    for number in numbers:
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in found)


def _command(plan: Plan, python: str = sys.executable) -> list[str]:
    return [python, "-m", "scnnbio", "work", str(plan.folder)]


def _of(point: Point, round_: str) -> list[str]:
    return ["--round", round_, "--point", str(point.number)]
