"""Training and inference beside snnTorch and SpikingJelly: ``python -m benchmarks.peers``.

The network is the model ``voting_digits``: 28 x 28 pixels, two convolutions and a
vote, 9,508 neurons. Everybody gets the same spikes and the same initial kernels; torch computes in
single precision, except in runs of the torch backend. Each program has its own process; they take
turns, as in :mod:`benchmarks.timing`.

- ``training``: a batch of 50 digits of 10 steps: spikes, gradients, one step of Adam.
- ``digits``: 500 digits of 10 steps, without gradients; each pixel fires at most once.
- ``sparse``: 4 trials of 500 steps, in which each pixel fires at 5 Hz (steps of 1 ms).
- ``converted``: ``--images`` digits on a converted network: see :mod:`benchmarks.converted`.
  ``--mnist`` and ``--module`` give its images and its weights; else both are made from digits of
  scikit-learn.

snnTorch comes with ``pip install '.[bench]'``. SpikingJelly 2.0 declares torchvision, which
replaces the CPU build of torch: ``pip install --no-deps --target FOLDER spikingjelly loguru``, and
``--also FOLDER``. ``--write`` puts the table into ``docs/background/performance.md``.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from abc import abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scnnbio_models.voting_digits import build

from analysis.digits_surrogate import shown
from benchmarks import converted
from benchmarks.peer import Peer
from scnnbio import backends
from scnnbio.experiment import Experiment, Record
from scnnbio.inputs import FromSpikes

ROOT = Path(__file__).parents[1]
_PAGE = ROOT / "docs/background/performance.md"
_BETWEEN = re.compile(r"(<!-- peers -->\n).*?(<!-- end of peers -->)", re.S)
BATCH, STEPS = 50, 10
#: Trials, and steps per trial, of what is only run forwards.
FORWARD = {"digits": (500, 10), "sparse": (4, 500)}
#: Most rounds of a task that takes long.
_MOST_ROUNDS = {"converted": 2}
#: Rate of sparse input in Hz.
_SPARSE = 5.0


def digits(n: int) -> Experiment:
    """Digits of scikit-learn, each pixel drawn as 3 x 3, within a border of two."""
    from sklearn.datasets import load_digits

    data = load_digits()
    images = np.kron(data.images[:n] / 16.0, np.ones((3, 3)))
    return shown(build(seed=1), np.pad(images, ((0, 0), (2, 2), (2, 2))), data.target[:n], 1)


def given(task: str) -> Experiment:
    """The experiment of a task."""
    if task == "training":
        return digits(BATCH)
    trials, steps = FORWARD[task]
    if task == "digits":
        return digits(trials)
    rng = np.random.default_rng(1)
    trial, step, unit = np.nonzero(rng.random((trials, steps, 784)) < _SPARSE * 1e-3)
    spikes = FromSpikes(
        step + 1.0, unit, trial, size=(1, 28, 28), n_trials=trials, duration=float(steps)
    )
    return Experiment(build(seed=1), inputs={"retina": spikes}, record=Record(("digits",)), dt=1.0)


def dense(experiment: Experiment) -> NDArray[np.float32]:
    """Spikes of the source (step, trial, 1, row, column)."""
    spikes = np.zeros((experiment.trial_steps, experiment.n_trials, 784), np.float32)
    for k, (step, unit) in enumerate(experiment.input_stream().trials()):
        spikes[step - 1, k, unit] = 1.0
    return spikes.reshape(*spikes.shape[:2], 1, 28, 28)


class Ours(Peer):
    """scnnbio's torch backend."""

    name: ClassVar[str] = "scnnbio, torch"

    def prepare(self) -> None:
        self.experiment = given(self.task)
        import torch

        from scnnbio.backends.torch import Training
        from scnnbio.backends.torch.training import Trainer

        torch.set_num_threads(self.threads)
        if self.task == "training":
            training = Training(batch=BATCH, learning_rate=1e-3)
            self.trainer = Trainer(self.experiment, "digit", "digits", training, None)
            self.optimiser = torch.optim.Adam(self.trainer.learnables.leaves(), lr=1e-3)

    def run(self) -> int:
        if self.task == "training":
            self.trainer.watch.begin()
            batch = self.trainer.shown.at(np.arange(BATCH))
            self.trainer._batch(self.optimiser, batch, 0)
            return int(self.trainer.watch.counts["one"].sum())
        backends.get("torch").run(self.experiment)
        return 0


class Standalone(Peer):
    """The program of ``brian2-standalone``: its start, its input and its recording included."""

    name: ClassVar[str] = "scnnbio, brian2-standalone"

    def prepare(self) -> None:
        self.experiment = given(self.task)
        options = {"threads": self.threads} if self.threads > 1 else {}
        self.backend = backends.get("brian2-standalone", options)
        self.backend.run(self.experiment)  # compiles

    def run(self) -> int:
        self.backend.run(self.experiment)
        return 0


class _Framework(Peer):
    """A network in another framework: layers by hand, kernels and decay as ours."""

    def prepare(self) -> None:
        self.experiment = given(self.task)
        import torch

        self.torch = torch
        torch.set_num_threads(self.threads)
        self.spikes = torch.as_tensor(dense(self.experiment))
        (tau,) = np.unique(self.experiment.network.population("one").values()["tau_m"])
        self.keep = float(np.exp(-1.0 / tau))
        self.module = self.layers()
        kernels = [np.asarray(p.kernel, np.float32) for p in self.experiment.network.projections]
        with torch.no_grad():
            for mine, theirs in zip(self.module.parameters(), kernels, strict=True):
                mine.copy_(torch.as_tensor(theirs).reshape(mine.shape))
        self.optimiser = torch.optim.Adam(self.module.parameters(), lr=1e-3)
        if self.task == "training":
            labels = np.asarray(self.experiment.trial_table()["digit"])
            self.labels = torch.as_tensor(labels.astype(np.int64))

    @abstractmethod
    def layers(self) -> Any:
        """The network, whose parameters are the three kernels alone."""

    @abstractmethod
    def forward(self, spikes: Any) -> tuple[Any, Any]:
        """Spikes of the last layer, summed over steps, and of the first, summed over all."""

    def run(self) -> int:
        if self.task != "training":
            with self.torch.no_grad():
                trials = self.spikes.shape[1]
                parts = range(0, trials, BATCH)
                return sum(int(self.forward(self.spikes[:, k : k + BATCH])[1]) for k in parts)
        counts, fired = self.forward(self.spikes)
        found = counts.reshape(BATCH, 10, -1).mean(2)
        self.optimiser.zero_grad(set_to_none=True)
        self.torch.nn.functional.cross_entropy(found, self.labels).backward()
        self.optimiser.step()
        return int(fired)


class SnnTorch(_Framework):
    name: ClassVar[str] = "snnTorch"

    def layers(self) -> Any:
        import snntorch
        from snntorch import surrogate

        nn = self.torch.nn

        def leaky() -> Any:
            slope = surrogate.atan(alpha=2.0)
            return snntorch.Leaky(self.keep, spike_grad=slope, reset_mechanism="zero")

        self.leaky = [leaky() for _ in range(3)]
        return nn.ModuleList([
            nn.Conv2d(1, 32, 5, 2, 2, bias=False), nn.Conv2d(32, 64, 5, 2, 2, bias=False),
            nn.Linear(3136, 100, bias=False),
        ])  # fmt: skip

    def forward(self, spikes: Any) -> tuple[Any, Any]:
        states = [cell.init_leaky() for cell in self.leaky]
        total, fired = 0.0, 0.0
        for now in spikes:
            for k, (layer, cell) in enumerate(zip(self.module, self.leaky, strict=True)):
                now, states[k] = cell(layer(now.flatten(1) if k == 2 else now), states[k])
                if k == 0:
                    fired = fired + now.detach().sum()
            total = total + now
        return total, fired


class SpikingJelly(_Framework):
    name: ClassVar[str] = "SpikingJelly"

    def layers(self) -> Any:
        from spikingjelly.activation_based import functional, layer, neuron, surrogate

        self.functional = functional

        def leaky() -> Any:
            return neuron.LIFNode(
                tau=1.0 / (1.0 - self.keep), decay_input=False, v_threshold=1.0, v_reset=0.0,
                surrogate_function=surrogate.ATan(alpha=2.0), step_mode="m",
            )  # fmt: skip

        made = self.torch.nn.Sequential(
            layer.Conv2d(1, 32, 5, 2, 2, bias=False), leaky(),
            layer.Conv2d(32, 64, 5, 2, 2, bias=False), leaky(),
            layer.Flatten(), layer.Linear(3136, 100, bias=False), leaky(),
        )  # fmt: skip
        functional.set_step_mode(made, "m")
        return made

    def forward(self, spikes: Any) -> tuple[Any, Any]:
        self.functional.reset_net(self.module)
        first = self.module[1](self.module[0](spikes))
        return self.module[2:](first).sum(0), first.detach().sum()


PEERS: dict[str, type[Peer]] = {p.name: p for p in (Ours, Standalone, SnnTorch, SpikingJelly)}
_NEEDS = {"snnTorch": "snntorch", "SpikingJelly": "spikingjelly"}
#: Task → what is compared; the first is what the others are divided by.
TASKS = {
    "training": (Ours.name, SnnTorch.name, SpikingJelly.name),
    "digits": (Standalone.name, Ours.name, SnnTorch.name, SpikingJelly.name),
    "sparse": (Standalone.name, Ours.name, SnnTorch.name, SpikingJelly.name),
    "converted": tuple(p.name for p in converted.ALL),
}


def _cpu() -> float:
    """CPU seconds of this process and of the programs that it waited for."""
    used = [resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def work(name: str, task: str, threads: int) -> None:
    """Measure whenever a line is read: CPU seconds, wall seconds, spikes of the first layer."""
    programs = PEERS if task != "converted" else {p.name: p for p in converted.ALL}
    peer = programs[name](task, threads)
    peer.run()
    print(json.dumps({"answer": "ready"}), flush=True)
    for _ in sys.stdin:
        wall, cpu = time.perf_counter(), _cpu()
        spikes = peer.run()
        row = {"cpu_s": _cpu() - cpu, "wall_s": time.perf_counter() - wall, "spikes": spikes}
        print(json.dumps({"answer": row}), flush=True)


def _asking(process: subprocess.Popen[str]) -> Any:
    for line in process.stdout or ():
        if line.startswith('{"answer"'):
            return json.loads(line)["answer"]
    raise RuntimeError("a program ended early")


def measure(task: str, threads: int, rounds: int) -> dict[str, dict[str, float]]:
    """Medians of several runs in turn, by program."""
    environment = {**os.environ, "OMP_WAIT_POLICY": "passive", "OMP_NUM_THREADS": str(threads)}
    processes = {
        name: subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "benchmarks.peers", "--work", name, task,
             str(threads)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT,
        )
        for name in TASKS[task]
        if name not in _NEEDS or importlib.util.find_spec(_NEEDS[name])
    }  # fmt: skip
    found: dict[str, list[dict[str, float]]] = {name: [] for name in processes}
    for process in processes.values():
        _asking(process)
    for _ in range(rounds):
        for name, process in processes.items():
            if process.stdin is not None:
                process.stdin.write("run\n")
                process.stdin.flush()
            found[name].append(_asking(process))
    for process in processes.values():
        process.communicate()
    return {n: {k: median(r[k] for r in rows) for k in rows[0]} for n, rows in found.items()}


def table(results: dict[str, dict[str, dict[str, float]]]) -> list[str]:
    """Rows of a table: seconds, and ratios of CPU and wall seconds over the first program's."""
    lines = ["| | | CPU s | wall s | CPU over ours | wall over ours |", "|" + " --- |" * 6]
    for key, rows in results.items():
        first = next(iter(rows.values()))
        for name, row in rows.items():
            ratios = [f"{row[k] / first[k]:.2f}" for k in ("cpu_s", "wall_s")]
            cells = [key, name, f"{row['cpu_s']:.3f}", f"{row['wall_s']:.3f}", *ratios]
            lines.append("| " + " | ".join(cells) + " |")
    return lines


def _key(task: str, threads: int) -> str:
    one = "core" if task == "converted" else "thread"
    return f"{task}, {threads} {one}{'s' if threads > 1 else ''}"


def tables(results: dict[str, Any], images: int) -> list[str]:
    """One table, and one of the converted network, which has columns of its own."""
    last = {key: rows for key, rows in results.items() if key.startswith("converted")}
    first = {key: rows for key, rows in results.items() if key not in last}
    lines = table(first) if first else []
    return [
        *lines,
        *([""] if first and last else []),
        *(converted.table(last, images) if last else []),
    ]


def main(words: Sequence[str] | None = None) -> None:
    """Measure, print and, if asked, write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--work", nargs=3, metavar=("PROGRAM", "TASK", "THREADS"))
    parser.add_argument("--task", choices=TASKS, action="append")
    parser.add_argument("--threads", type=int, action="append")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--mnist", type=Path, help="images of the task converted")
    parser.add_argument(
        "--images", type=int, default=10_000, help="in a turn of the task converted"
    )
    parser.add_argument("--module", type=Path, help="weights of the task converted")
    parser.add_argument("--also", type=Path, help="folder of packages beside the environment's")
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args(words)
    if asked.write and (asked.task or asked.threads):
        parser.error("--write replaces all tables; leave out --task and --threads")
    if asked.work:
        name, task, threads = asked.work
        work(name, task, int(threads))
        return
    if asked.also:
        sys.path.append(str(asked.also))
        os.environ["PYTHONPATH"] = str(asked.also)
    results: dict[str, Any] = {}
    say: Callable[[str], None] = print
    with tempfile.TemporaryDirectory() as folder:
        for task in asked.task or TASKS:
            if task == "converted":
                converted.prepare(Path(folder), asked.module, asked.mnist, asked.images)
            for threads in asked.threads or (1, 2):
                rounds = min(asked.rounds, _MOST_ROUNDS.get(task, asked.rounds))
                results[_key(task, threads)] = measure(task, threads, rounds)
                say("\n".join(tables(dict([list(results.items())[-1]]), asked.images)))
    if asked.write:
        text = "\n".join(tables(results, asked.images))
        page = _PAGE.read_text(encoding="utf-8")
        _PAGE.write_text(_BETWEEN.sub(lambda m: f"{m[1]}{text}\n{m[2]}", page), encoding="utf-8")


if __name__ == "__main__":
    main()
