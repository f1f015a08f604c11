"""A hand-written C++ loop as the lower bound of CPU time ("floor"), NEST and torch."""

from __future__ import annotations

import itertools
import json
import subprocess
import time
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from benchmarks.configurations import DELAY, NEURON, RATES, STDP, Configuration
from benchmarks.timing import Measured, Program, own_peak_mb, with_child

if TYPE_CHECKING:  # a program should not hold modules in memory that it does not need
    from scnnbio.backends.brian2.compiling import Precision

_SOURCE = __file__.rsplit("/", 1)[0] + "/floor.cpp"


def propagators(configuration: Configuration) -> dict[str, float]:
    """The exact step of the layer's neuron, from its closed form (Rotter & Diesmann 1999)."""
    dt, tau_m, tau_s, cm = configuration.dt, NEURON["tau_m"], NEURON["tau_syn_E"], NEURON["cm"]
    p_v, p_current = np.exp(-dt / tau_m), np.exp(-dt / tau_s)
    return {
        "p_v": p_v,
        "p_i": tau_m * tau_s / (cm * (tau_s - tau_m)) * (p_current - p_v),
        "p_current": p_current,
        "offset": NEURON["v_rest"] * (1 - p_v),
    }


def sorted_by_cell(configuration: Configuration) -> tuple[np.ndarray, np.ndarray]:
    """Input spikes as (step, cell); cells (row, column, channel), sorted within a step."""
    inputs, size = configuration.inputs(), configuration.size
    cell = inputs.unit % size**2 * 2 + inputs.unit // size**2
    order = np.lexsort((cell, inputs.step))
    return inputs.step[order], cell[order]


class Floor(Program):
    """A loop over steps and neurons, written by hand for this network."""

    name: ClassVar[str] = "hand-written C++"

    def construct(self) -> None:
        c, step = self.configuration, propagators(self.configuration)
        values = [*step.values(), NEURON["v_thresh"], NEURON["v_reset"], NEURON["v_rest"]]
        values += [c.weight, STDP["a_plus"], STDP["a_minus"]]
        values += [np.exp(-c.dt / STDP[tau]) for tau in ("tau_plus", "tau_minus")]
        np.array(values).tofile(self.folder / "numbers.bin")
        reversed_columns = c.weights().transpose(1, 2, 3, 0)[:, :, ::-1]
        np.ascontiguousarray(reversed_columns).tofile(self.folder / "kernel.bin")
        steps, cell = sorted_by_cell(c)
        offsets = np.searchsorted(steps - 1, np.arange(c.segment_steps * len(RATES) + 1))
        np.concatenate([offsets, cell]).astype(np.int32).tofile(self.folder / "spikes.bin")

    def build(self) -> None:
        c = self.configuration
        numbers = {
            "SIZE": c.size,
            "KERNEL": c.kernel,
            "MAPS": c.maps,
            "STEPS_HELD": round(NEURON["tau_refrac"] / c.dt),
            "STEPS_DELAY": round(DELAY / c.dt),
            "PLASTIC": int(c.plastic),
            "REAL": {"double": "double", "single": "float"}[self.precision],
        }
        words = ["g++", "-O3", "-march=native", "-mprefer-vector-width=512", "-fno-trapping-math"]
        words += [f"-D{name}={value}" for name, value in numbers.items()]
        subprocess.run([*words, _SOURCE, "-o", "floor"], cwd=self.folder, check=True)

    def run(self) -> Measured:
        c = self.configuration
        words = ["./floor", "numbers.bin", "kernel.bin", "spikes.bin"]
        words += [str(c.segment_steps)] * len(RATES)
        found = subprocess.run(words, cwd=self.folder, check=True, stdout=subprocess.PIPE)
        answer = json.loads(found.stdout)
        spikes = int(self.counts().sum())
        return Measured(answer["cpu_s"], with_child(answer["peak_mb"]), spikes)

    def counts(self) -> np.ndarray:
        return np.fromfile(self.folder / "counts.bin", np.int32)


class FloorSingle(Floor):
    precision: ClassVar[Precision] = "single"


class Nest(Program):
    """``iaf_psc_exp`` and ``static_synapse``; spikes are injected, and counted by the kernel."""

    name: ClassVar[str] = "NEST static_synapse"

    def construct(self) -> None:
        import nest

        from benchmarks.brian_programs import explicit_synapses

        self.nest, c = nest, self.configuration
        nest.verbosity = nest.VerbosityLevel.ERROR
        nest.ResetKernel()
        nest.set(resolution=c.dt, local_num_threads=1)
        step, cell = sorted_by_cell(c)
        # A run continues where the last one ended, so the input is repeated.
        length = c.segment_steps * len(RATES)
        order = np.argsort(cell, kind="stable")
        bounds = np.searchsorted(cell[order], np.arange(2 * c.size**2 + 1))
        stamps = step[order]
        self.rounds = 3
        trains = [
            {
                "spike_times": np.round(
                    np.concatenate([stamps[a:b] + k * length for k in range(self.rounds)]) * c.dt, 6
                )
            }
            for a, b in itertools.pairwise(bounds)
        ]
        cells = nest.Create("spike_train_injector", 2 * c.size**2, params=trains)
        layer = nest.Create("iaf_psc_exp", c.neurons, params=_iaf_psc_exp())
        pre, post, tap = explicit_synapses(c)
        weight = c.weights().ravel()[tap]
        first_cell, first = cells[0].global_id, layer[0].global_id
        for part in np.array_split(np.arange(len(pre)), max(1, len(pre) // 4_000_000)):
            nest.Connect(
                pre[part] + first_cell,
                post[part] + first,
                "one_to_one",
                {
                    "synapse_model": "static_synapse",
                    "weight": weight[part] * 1e3,
                    "delay": np.full(len(part), DELAY),
                },
            )
        self.injected = len(step)

    def build(self) -> None:
        self.nest.Prepare()

    def run(self) -> Measured:
        seconds, fired = [], -self.injected
        for _ in RATES:
            begin = time.process_time()
            self.nest.Run(self.configuration.segment)
            seconds.append(time.process_time() - begin)
            # Counted anew in every call of Run, injected spikes too.
            fired += self.nest.local_spike_counter
        return Measured(seconds, own_peak_mb(), int(fired))


def _iaf_psc_exp() -> dict[str, float]:
    return {
        "C_m": NEURON["cm"] * 1e3,
        "tau_m": NEURON["tau_m"],
        "tau_syn_ex": NEURON["tau_syn_E"],
        "tau_syn_in": NEURON["tau_syn_E"],
        "E_L": NEURON["v_rest"],
        "V_m": NEURON["v_rest"],
        "V_th": NEURON["v_thresh"],
        "V_reset": NEURON["v_reset"],
        "t_ref": NEURON["tau_refrac"],
        "I_e": 0.0,
    }


class Torch(Program):
    """A dense convolution in every step, one thread, in the precision that torch is made for."""

    name: ClassVar[str] = "torch, dense steps"
    precision: ClassVar[Precision] = "single"

    def construct(self) -> None:
        import torch

        torch.set_num_threads(1)
        self.torch, c = torch, self.configuration
        self.kernel = torch.tensor(c.weights(), dtype=torch.float32)
        inputs = c.inputs()
        steps = c.segment_steps * len(RATES)
        bounds = np.searchsorted(inputs.step - 1, np.arange(steps + 1))
        unit = torch.tensor(inputs.unit.astype(np.int64))
        self.lists = [unit[a:b] for a, b in itertools.pairwise(bounds)]

    def build(self) -> None:
        """Nothing is compiled."""

    def run(self) -> Measured:
        torch, c, p = self.torch, self.configuration, propagators(self.configuration)
        shape = (1, c.maps, c.out, c.out)
        v = torch.full(shape, NEURON["v_rest"])
        current = torch.zeros(shape)
        wait = torch.zeros(shape, dtype=torch.int16)
        held, late = round(NEURON["tau_refrac"] / c.dt), round(DELAY / c.dt)
        seconds, fired = [], 0
        with torch.inference_mode():
            for segment in range(len(RATES)):
                begin = time.process_time()
                for step in range(segment * c.segment_steps, (segment + 1) * c.segment_steps):
                    following = v * p["p_v"]
                    following.add_(current, alpha=p["p_i"]).add_(p["offset"])
                    free = wait <= 0
                    v = torch.where(free, following, v)
                    current.mul_(p["p_current"])
                    if step >= late:
                        frame = torch.zeros(2 * c.size**2)
                        frame[self.lists[step - late]] = 1.0
                        frame = frame.view(1, 2, c.size, c.size)
                        current.add_(torch.nn.functional.conv2d(frame, self.kernel))
                    spikes = (v >= NEURON["v_thresh"]) & free
                    wait.sub_(1).clamp_(min=0)
                    v.masked_fill_(spikes, NEURON["v_reset"])
                    wait.masked_fill_(spikes, held)
                    fired += int(spikes.sum())
                seconds.append(time.process_time() - begin)
        return Measured(seconds, own_peak_mb(), fired)
