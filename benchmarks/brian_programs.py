"""scnnbio's C++ standalone backend, and the same network built as Brian2's documentation does."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from benchmarks.configurations import DELAY, NEURON, RATES, STDP, Configuration, Poisson
from benchmarks.timing import Measured, Program, of_children, with_child
from scnnbio.backends.brian2.compiling import (
    NO_DENORMALS,
    Precision,
    compiler,
    compiler_identity,
    preferences,
)
from scnnbio.backends.brian2.lowering import Lowered
from scnnbio.backends.brian2.procedural import Arrivals, Each
from scnnbio.backends.brian2.program import Program as GeneratedProgram
from scnnbio.backends.brian2.quicker import write_rules
from scnnbio.backends.brian2.running import OutputFolder, run_trials
from scnnbio.experiment import Experiment
from scnnbio.neurons.brian2_loader import load_brian2

b2 = load_brian2()
_MS = b2.ms

# The process's CPU time so far, of all threads, and the time of day.
_MARK = """
{
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    std::ofstream(brian::results_dir + "marks", std::ios::app)
        << double(std::clock()) / CLOCKS_PER_SEC << " "
        << std::fixed << now.tv_sec + 1e-9 * now.tv_nsec << std::endl;
}
"""
# Runs whenever a segment begins, and at the end.
_CLOCK = f"static double mark_cpu(double t) {{ {_MARK} return t; }}"
_PEAK = """
{
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);)
        if (line.compare(0, 5, "VmHWM") == 0)
            std::ofstream(brian::results_dir + "peak") << line.substr(6) << std::endl;
}
"""


class Standalone(Program):
    """A program that Brian2 writes and g++ compiles."""

    #: File of the layer's spike counts.
    counted: str

    def build(self) -> None:
        subprocess.run(["make", "-j2"], cwd=self.folder, check=True, stdout=subprocess.DEVNULL)

    def _clock(self) -> Any:
        mark = b2.Function(
            lambda t: t, arg_units=[None], return_unit=lambda t: t, arg_types=["float"]
        )
        mark.implementations.add_implementation("cpp", _CLOCK, name="mark_cpu")
        group = b2.NeuronGroup(1, "x : 1", name="clock", namespace={"mark_cpu": mark})
        group.run_regularly(
            "x = mark_cpu(1.0*i)",
            dt=self.configuration.segment * _MS,
            when="start",
            order=-1000,
            name="marks_of_the_clock",
        )
        return group

    def run(self) -> Measured:
        results = self.folder / "results"
        (results / "marks").unlink(missing_ok=True)
        subprocess.run(["./main"], cwd=self.folder, check=True, stdout=subprocess.DEVNULL)
        return self._measured(results)

    def _measured(self, results: Path) -> Measured:
        marks = np.loadtxt(results / "marks")
        peak = float((results / "peak").read_text().split()[0]) / 1024
        cpu_s, wall_s = np.diff(marks, axis=0).T.tolist()
        return Measured(cpu_s, with_child(peak), int(self.counts().sum()), wall_s)

    def counts(self) -> np.ndarray:
        return np.fromfile(self.folder / "results" / Path(self.counted).name, np.int32)


class Scnnbio(Standalone):
    """The program of the backend ``brian2-standalone``, with input through the same pipe."""

    name: ClassVar[str] = "scnnbio"
    threads: ClassVar[int] = 1

    def shown(self) -> tuple[Experiment, Any]:
        """The experiment that is run, and its input."""
        return self.configuration.experiment(), self.configuration.inputs()

    def construct(self) -> None:
        b2.set_device("cpp_standalone", directory=str(self.folder), build_on_run=False)
        for name, value in preferences(self.precision, self.threads).items():
            b2.prefs[name] = value
        b2.device.insert_code("before_start", NO_DENORMALS)
        b2.device.insert_code("after_network_run", _MARK + _PEAK)
        experiment, self.inputs = self.shown()
        lowered = Lowered(experiment, self.inputs)
        layer = lowered.groups["v1"]
        fired = b2.NeuronGroup(len(layer), "count : integer", name="fired", namespace={})
        counts = Each((layer, "_spikespace"), fired, "count_post += 1", ("end", 0), "counts")
        lowered.objects += [self._clock(), fired, counts]
        program = GeneratedProgram(lowered)
        program.generate(self.folder)
        self.experiment, self.program = experiment, program.files("benchmark")
        write_rules(self.folder, compiler(), compiler_identity())
        self.counted = b2.device.get_array_name(fired.variables["count"])

    def run(self) -> Measured:
        results = self.folder / "results"
        results.mkdir(exist_ok=True)
        # Remove the last checkpoint, or the program would continue the previous run.
        for name in ("marks", "state"):
            (results / name).unlink(missing_ok=True)
        run_trials(
            self.program,
            self.experiment,
            self.inputs,
            self.folder,
            OutputFolder(results),
            lambda *_: None,
        )
        return self._measured(results)

    def counts(self) -> np.ndarray:
        return self.program.read_state(self.folder / "results").arrays[self.counted]


class ScnnbioSingle(Scnnbio):
    precision: ClassVar[Precision] = "single"


class ScnnbioThreads(Scnnbio):
    name: ClassVar[str] = "scnnbio, two threads"
    threads: ClassVar[int] = 2


class InputAlone(Scnnbio):
    """The input alone, drawn and written trial by trial as the backend does it.

    Its segments are the drawing, all other Python code, and the program, which reads the pipe,
    fires the spikes and delivers them to one neuron.
    """

    name: ClassVar[str] = "input alone"

    def shown(self) -> tuple[Experiment, Any]:
        return self.configuration.input_alone(), Poisson(self.configuration)

    def run(self) -> Measured:
        self.inputs.draw_s = 0.0
        begin, program = time.process_time(), of_children()
        found = super().run()
        python, program = time.process_time() - begin, of_children() - program
        draw = self.inputs.draw_s
        return Measured([draw, python - draw, program], found.peak_mb, self.inputs.drawn)


def explicit_synapses(configuration: Configuration) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(cell, neuron, kernel element) of every synapse, sorted by cell.

    Cells are numbered (row, column, channel), neurons (row, column, map), elements as the kernel
    is flattened.
    """
    k, out = configuration.kernel, configuration.out
    maps, size = configuration.maps, configuration.size
    element = np.arange(maps * 2 * k * k, dtype=np.int32).reshape(maps, 2, k, k)
    pre, post, tap = [], [], []
    to = np.arange(out * out * maps, dtype=np.int32).reshape(out, out, maps)
    cells = np.arange(size * size * 2, dtype=np.int32).reshape(size, size, 2)
    for c in range(2):
        for y in range(k):
            for x in range(k):
                seen = cells[y : y + out, x : x + out, c]
                pre.append(np.repeat(seen.ravel(), maps))
                post.append(to.ravel())
                tap.append(np.tile(element[:, c, y, x], out * out))
    order = np.argsort(np.concatenate(pre), kind="stable")
    first, second, third = (np.concatenate(part)[order] for part in (pre, post, tap))
    return first, second, third


class Synapses(Standalone):
    """Brian2's own ``Synapses``, equations integrated by Brian2, its compiler flags."""

    name: ClassVar[str] = "Brian2 Synapses"

    def construct(self) -> None:
        b2.set_device("cpp_standalone", directory=str(self.folder), build_on_run=False)
        network = b2.Network(self.objects(), self._clock())
        b2.device.insert_code("after_network_run", _MARK)
        b2.device.insert_code("after_end", _PEAK)
        network.run(self.configuration.segment * len(RATES) * _MS, namespace={})
        self.counted = b2.device.get_array_filename(self.monitor.variables["count"])
        b2.device.build(directory=str(self.folder), compile=False, run=False, with_output=False)

    def objects(self) -> list[Any]:
        """The network; ``self.monitor`` counts the layer's spikes."""
        c = self.configuration
        b2.defaultclock.dt = c.dt * _MS
        inputs = c.inputs()
        # Brian2 stamps a spike with the beginning of its step, and counts refractoriness from it.
        cells = b2.SpikeGeneratorGroup(
            2 * c.size**2, _last(inputs.unit, c.size), (inputs.step - 1) * c.dt * _MS, name="cells"
        )
        layer = b2.NeuronGroup(
            c.neurons,
            "dv/dt = (v_rest - v)/tau_m + I/C : volt (unless refractory)\ndI/dt = -I/tau_s : amp"
            + self.of_the_layer(),
            threshold="v >= v_thresh",
            reset="v = v_reset",
            refractory=(NEURON["tau_refrac"] + c.dt) * _MS,
            method="exact",
            name="layer",
            namespace={
                "tau_m": NEURON["tau_m"] * _MS,
                "tau_s": NEURON["tau_syn_E"] * _MS,
                "tau_minus": STDP["tau_minus"] * _MS,
                "C": NEURON["cm"] * b2.nF,
                **{k: NEURON[k] * b2.mV for k in ("v_rest", "v_reset", "v_thresh")},
            },
        )
        layer.v = NEURON["v_rest"] * b2.mV
        self.monitor = b2.SpikeMonitor(layer, record=False, name="counts")
        return [cells, layer, *self.connected(cells, layer), self.monitor]

    def of_the_layer(self) -> str:
        """Further equations of the layer."""
        return ""

    def connected(self, cells: Any, layer: Any) -> list[Any]:
        """One synapse per pair of neurons, each with its own weight."""
        synapses = b2.Synapses(
            cells, layer, "w : amp", on_pre="I_post += w", delay=DELAY * _MS, name="synapses"
        )
        pre, post, tap = explicit_synapses(self.configuration)
        synapses.connect(i=pre, j=post)
        synapses.w = self.configuration.weights().ravel()[tap] * b2.nA
        return [synapses]


class PlasticSynapses(Synapses):
    """Pair STDP on shared weights, with a pre- and a postsynaptic trace per synapse."""

    name: ClassVar[str] = "Brian2 Synapses, traces per synapse"
    model: ClassVar[str] = """
    tap : integer (constant)
    dx/dt = -x/tau_plus : 1 (event-driven)
    dy/dt = -y/tau_minus : 1 (event-driven)
    """
    on_pre: ClassVar[str] = """
    I_post += gain*w
    w = clip(w - a_minus*y, 0, 1)
    x += 1
    """
    on_post: ClassVar[str] = """
    w = clip(w + a_plus*x, 0, 1)
    y += 1
    """

    def connected(self, cells: Any, layer: Any) -> list[Any]:
        c = self.configuration
        kernel = b2.NeuronGroup(c.weights().size, "w : 1", name="kernel")
        kernel.w = c.weights().ravel()
        synapses = b2.Synapses(
            cells,
            layer,
            self.model,
            on_pre=self.on_pre,
            on_post=self.on_post,
            delay={"pre": DELAY * _MS},
            name="synapses",
            namespace={
                "gain": c.weight * b2.nA,
                "tau_plus": STDP["tau_plus"] * _MS,
                "tau_minus": STDP["tau_minus"] * _MS,
                "a_plus": STDP["a_plus"],
                "a_minus": STDP["a_minus"],
            },
        )
        synapses.variables.add_reference("w", kernel, "w", index="tap")
        self.refer(synapses, cells, layer)
        pre, post, tap = explicit_synapses(c)
        synapses.connect(i=pre, j=post)
        synapses.tap = tap
        synapses.pre.order, synapses.post.order = -1, 1
        return [kernel, synapses, *self.traces]

    def refer(self, synapses: Any, cells: Any, layer: Any) -> None:
        """Make the traces that are not part of the synapses."""
        self.traces: list[Any] = []


class PlasticSynapsesPerNeuron(PlasticSynapses):
    """Pair STDP on shared weights, with one trace per neuron, integrated by Brian2."""

    name: ClassVar[str] = "Brian2 Synapses, traces per neuron"
    model: ClassVar[str] = "tap : integer (constant)"
    on_pre: ClassVar[str] = "I_post += gain*w\nw = clip(w - a_minus*y, 0, 1)"
    on_post: ClassVar[str] = "w = clip(w + a_plus*x, 0, 1)"

    def of_the_layer(self) -> str:
        return "\ndy/dt = -y/tau_minus : 1"

    def refer(self, synapses: Any, cells: Any, layer: Any) -> None:
        traces = b2.NeuronGroup(
            len(cells),
            "dx/dt = -x/tau_plus : 1",
            method="exact",
            name="traces",
            namespace={"tau_plus": STDP["tau_plus"] * _MS},
        )
        synapses.variables.add_reference("x", traces, "x", index="_presynaptic_idx")
        synapses.variables.add_reference("y", layer, "y", index="_postsynaptic_idx")
        delay = round(DELAY / self.configuration.dt)
        arrivals = Arrivals(cells, delay, 0, ("after_groups", 0), "arrivals")
        self.traces = [
            traces,
            arrivals,
            Each((arrivals, "_arriving"), traces, "x_post += 1", ("synapses", 0), "jump_x"),
            Each((layer, "_spikespace"), layer, "y_post += 1", ("synapses", 2), "jump_y"),
        ]


def _last(unit: np.ndarray, size: int) -> np.ndarray:
    """Cells (channel, row, column) numbered (row, column, channel)."""
    return unit % size**2 * 2 + unit // size**2
