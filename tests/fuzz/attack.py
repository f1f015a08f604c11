"""Attack a reader with hostile inputs: ``python -m tests.fuzz``.

A child process reads the inputs, so that a crash or a hang ends the child alone. Its address space
is limited, and so is the CPU time of each input, with that of the processes that a reader starts.
Whatever is neither a value nor an error of ``scnnbio/errors.py`` is a fault.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import struct
import subprocess
import sys
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from scnnbio._passing import plain_class
from scnnbio.errors import ScnnbioError
from tests.fuzz.mutations import mixed
from tests.fuzz.reader import Reader
from tests.fuzz.readers import FAULTY, READERS

#: Address space beyond what the child has when it has read a valid file (bytes).
MEMORY = 2**30
#: CPU seconds of one input, and further ones per byte: a good file of megabytes takes more, too.
SECONDS, SECONDS_PER_BYTE = 1.0, 5e-6
#: CPU seconds after which a child that does not come to the next input is ended; one that waits for
#: something, and uses none, is ended after ten times as many seconds by the clock.
PATIENCE = 30.0
#: Events of Python that no reader causes: see ``sys.addaudithook``.
_FORBIDDEN = frozenset({
    "os.system", "os.exec", "os.posix_spawn", "os.fork", "pickle.find_class", "socket.connect",
    "ctypes.dlopen", "os.remove", "os.rmdir", "shutil.rmtree", "os.mkdir",
})  # fmt: skip


class Slow(BaseException):
    """One input took more CPU time than it may."""


@dataclass
class Found:
    """What became of the inputs of one reader.

    Parameters
    ----------
    counts : Counter of str
        ``value``, ``error`` (of scnnbio), and of faults ``exception``, ``memory``, ``slow``,
        ``crash``, ``hang`` and ``forbidden``.
    faults : list of dict
        ``at`` (number of the input), ``kind``, ``what`` and the ``place`` in scnnbio.
    slowest : float
        CPU seconds of the slowest input.
    """

    counts: Counter[str] = field(default_factory=Counter)
    faults: list[dict[str, Any]] = field(default_factory=list)
    slowest: float = 0.0


def attack(name: str, n: int, folder: Path, *, seed: int = 1) -> Found:
    """Read ``n`` hostile inputs in child processes, each of which goes on where the last ended."""
    found, first = Found(), 0
    folder.mkdir(parents=True, exist_ok=True)
    mark = folder / "at"
    while first < n:
        mark.write_bytes(struct.pack("=qq", first, 0))
        words = [sys.executable, "-m", "tests.fuzz.attack", name, str(n), str(first), str(seed)]
        with (folder / "said").open("wb") as said:
            process = subprocess.Popen(
                [*words, str(folder)], stdout=said, stderr=subprocess.STDOUT, start_new_session=True
            )
            hung = not _watched(process, mark)
        for line in (folder / "said").read_text(errors="replace").splitlines():
            if line.startswith('{"fuzz"'):
                _add(found, json.loads(line)["fuzz"])
        at, began = struct.unpack("=qq", mark.read_bytes())
        if process.returncode == 0:
            break
        if not began:
            raise RuntimeError((folder / "said").read_text(errors="replace")[-3000:])
        what = "hang" if hung else "crash"
        place = f"status {process.returncode}"
        _add(found, {"at": at, "kind": what, "what": what, "place": place})
        first = at + 1
    return found


def _watched(process: subprocess.Popen[bytes], mark: Path) -> bool:
    """Wait for a child; False if it was ended because it hung."""
    last, since, used = b"", time.monotonic(), 0.0
    while process.poll() is None:
        time.sleep(0.05)
        if (now := mark.read_bytes()) != last:
            last, since, used = now, time.monotonic(), _cpu_seconds(process.pid)
        elif (
            _cpu_seconds(process.pid) - used > PATIENCE or time.monotonic() - since > 10 * PATIENCE
        ):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return False
    return True


def _cpu_seconds(pid: int | str) -> float:
    """CPU time that a process has used; a busy machine makes it slow by the clock, not by this."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _add(found: Found, row: dict[str, Any]) -> None:
    if "counts" in row:
        found.counts.update(row["counts"])
        found.slowest = max(found.slowest, row["slowest"])
    else:
        found.counts[row["kind"]] += 1
        found.faults.append(row)


# ------------------------------------------------------------------------------------- in the child


def _inputs(reader: Reader, folder: Path, n: int, first: int, seed: int) -> Iterator[Path]:
    """Hostile files, one after another under one name for each valid file."""
    place = folder / "files"
    place.mkdir(exist_ok=True)
    valid = sorted(reader.make(place))
    contents = [path.read_bytes() for path in valid]
    for path in valid:
        reader.read(path)  # also imports what it needs
    for number in range(first, n):
        rng = np.random.default_rng([seed, number])
        which = int(rng.integers(len(valid)))
        hostile = place / f"hostile_{valid[which].name}"
        hostile.write_bytes(mixed(reader.mutation, [contents[which]], rng))
        yield hostile


def _used() -> float:
    """CPU time of this process and of those that it started."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    running = Path("/proc/thread-self/children").read_text().split()
    return (
        time.process_time()
        + ended.ru_utime
        + ended.ru_stime
        + sum(_cpu_seconds(pid) for pid in running)
    )


def _place(error: BaseException) -> str:
    """The innermost line of scnnbio that an error came through."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if "/scnnbio/" in f.filename] or list(frames)
    last, inner = ours[-1], frames[-1]
    where = f"{Path(last.filename).name}:{last.lineno} {last.name}"
    return where if inner is last else f"{where} -> {Path(inner.filename).name}:{inner.lineno}"


def _say(row: dict[str, Any]) -> None:
    print(json.dumps({"fuzz": row}), flush=True)


def main(name: str, n: int, first: int, seed: int, folder: Path) -> None:
    """Read the inputs from ``first`` on, and print what became of them."""
    warnings.simplefilter("ignore")
    reader = FAULTY if name == FAULTY.name else READERS[name]
    counts, slowest = Counter[str](), 0.0
    mark = os.open(folder / "at", os.O_RDWR)
    watching = False
    seen: list[str] = []

    def audit(event: str, args: tuple[Any, ...]) -> None:
        if not watching or event not in _FORBIDDEN:
            return
        if event == "pickle.find_class" and plain_class(*args):
            return  # of a process that reads the file for this one
        if not (args and str(args[0]).startswith(str(folder))):
            seen.append(f"{event} {str(args)[:80]}")

    def stop(*_: object) -> None:
        raise Slow

    sys.addaudithook(audit)
    signal.signal(signal.SIGPROF, stop)
    begun = False
    for number, path in enumerate(_inputs(reader, folder, n, first, seed), start=first):
        if not begun:
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, size + MEMORY))
            begun = True
        os.pwrite(mark, struct.pack("=qq", number, 1), 0)
        if number % 50 == 0:  # a crash loses no more counts than this
            _say({"counts": counts, "slowest": slowest})
            counts.clear()
        before, kind = _used(), "value"
        fault: BaseException | None = None
        seen.clear()
        watching = True
        limit = SECONDS + SECONDS_PER_BYTE * path.stat().st_size
        signal.setitimer(signal.ITIMER_PROF, limit)
        try:
            reader.read(path)
        except ScnnbioError:
            kind = "error"
        except Slow as error:
            kind, fault = "slow", error
        except MemoryError as error:
            kind, fault = "memory", error
        except BaseException as error:
            kind, fault = "exception", error
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            watching = False
        slowest = max(slowest, took := _used() - before)
        if took > limit and fault is None:
            kind, fault = "slow", Slow(f"{took:.2f} s with the processes that it started")
        if seen and fault is None:
            kind = "forbidden"
            _say({"at": number, "kind": kind, "what": seen[0], "place": ""})
            continue
        if fault is None:
            counts[kind] += 1
            continue
        what = f"{type(fault).__name__}: {str(fault)[:160]}"
        _say({"at": number, "kind": kind, "what": what, "place": _place(fault)})
        (folder / f"fault_{number}_{path.name.removeprefix('hostile_')}").write_bytes(
            path.read_bytes()
        )
    _say({"counts": counts, "slowest": slowest})


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:5]), Path(sys.argv[5]))
