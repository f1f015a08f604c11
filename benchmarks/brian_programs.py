"""scnnbio's C++ standalone backend, and the same network as Brian2's documentation builds it."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any, ClassVar

import brian2 as b2
import numpy as np

from benchmarks.configurations import DELAY, NEURON, RATES, Configuration
from benchmarks.timing import Measured, Program, with_child
from scnnbio.backends.brian2.compiling import NO_DENORMALS, preferences
from scnnbio.backends.brian2.lowering import Lowered

_MS = b2.ms

# The process's CPU time so far, written whenever a segment begins.
_CLOCK = """
static double mark_cpu(double t) {
    std::ofstream(brian::results_dir + "marks", std::ios::app)
        << double(std::clock()) / CLOCKS_PER_SEC << std::endl;
    return t;
}
"""
_AT_THE_END = """
{
    std::ofstream(brian::results_dir + "marks", std::ios::app)
        << double(std::clock()) / CLOCKS_PER_SEC << std::endl;
}
"""
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

    #: Length of a segment in ms, and time step.
    segment: float
    dt: float

    def objects(self) -> list[Any]:
        """The network; ``self.monitor`` counts the layer's spikes."""
        raise NotImplementedError

    def prepare(self) -> None:
        """Settings of Brian2 under which the program is built."""

    def construct(self) -> None:
        b2.set_device("cpp_standalone", directory=str(self.folder), build_on_run=False)
        self.prepare()
        network = b2.Network(self.objects(), self._clock())
        b2.device.insert_code("after_network_run", _AT_THE_END)
        b2.device.insert_code("after_end", _PEAK)
        network.run(self.configuration.segment * len(RATES) * _MS, namespace={})
        self.counted = b2.device.get_array_filename(self.monitor.variables["count"])
        b2.device.build(directory=str(self.folder), compile=False, run=False, with_output=False)

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
        marks = np.loadtxt(results / "marks")
        peak = float((results / "peak").read_text().split()[0]) / 1024
        return Measured(np.diff(marks).tolist(), with_child(peak), int(self.counts().sum()))

    def counts(self) -> np.ndarray:
        return np.fromfile(self.folder / "results" / Path(self.counted).name, np.int32)


class Scnnbio(Standalone):
    """What the backend ``brian2-standalone`` makes of the experiment."""

    name: ClassVar[str] = "scnnbio"

    def prepare(self) -> None:
        for name, value in preferences(self.precision).items():
            b2.prefs[name] = value
        b2.device.insert_code("before_start", NO_DENORMALS)

    def objects(self) -> list[Any]:
        experiment = self.configuration.experiment()
        lowered = Lowered(experiment, self.configuration.inputs())
        self.monitor = b2.SpikeMonitor(lowered.groups["v1"], record=False, name="counts")
        return [*lowered.objects, self.monitor]


class ScnnbioSingle(Scnnbio):
    precision: ClassVar[str] = "single"


def explicit_synapses(configuration: Configuration) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(cell, neuron, weight) of every synapse; cells (row, column, channel), sorted."""
    k, out, maps, size = (
        configuration.kernel,
        configuration.out,
        configuration.maps,
        configuration.size,
    )
    kernel = configuration.weights()
    pre, post, weight = [], [], []
    to = np.arange(out * out * maps, dtype=np.int32).reshape(out, out, maps)
    cells = np.arange(size * size * 2, dtype=np.int32).reshape(size, size, 2)
    for c in range(2):
        for y in range(k):
            for x in range(k):
                seen = cells[y : y + out, x : x + out, c]
                pre.append(np.repeat(seen.ravel(), maps))
                post.append(to.ravel())
                weight.append(np.tile(kernel[:, c, y, x], out * out))
    order = np.argsort(np.concatenate(pre), kind="stable")
    return tuple(np.concatenate(a)[order] for a in (pre, post, weight))  # type: ignore[return-value]


class Synapses(Standalone):
    """Brian2's own ``Synapses``, equations integrated by Brian2, its compiler flags."""

    name: ClassVar[str] = "Brian2 Synapses"

    def objects(self) -> list[Any]:
        c = self.configuration
        b2.defaultclock.dt = c.dt * _MS
        inputs = c.inputs()
        # Brian2 stamps a spike with the beginning of its step, and counts refractoriness from it.
        cells = b2.SpikeGeneratorGroup(
            2 * c.size**2, _last(inputs.unit, c.size), (inputs.step - 1) * c.dt * _MS, name="cells"
        )
        layer = b2.NeuronGroup(
            c.neurons,
            "dv/dt = (v_rest - v)/tau_m + I/cm : volt (unless refractory)\ndI/dt = -I/tau_s : amp",
            threshold="v >= v_thresh",
            reset="v = v_reset",
            refractory=(NEURON["tau_refrac"] + c.dt) * _MS,
            method="exact",
            name="layer",
            namespace={
                "tau_m": NEURON["tau_m"] * _MS,
                "tau_s": NEURON["tau_syn_E"] * _MS,
                "cm": NEURON["cm"] * b2.nF,
                **{k: NEURON[k] * b2.mV for k in ("v_rest", "v_reset", "v_thresh")},
            },
        )
        layer.v = NEURON["v_rest"] * b2.mV
        synapses = b2.Synapses(
            cells, layer, "w : amp", on_pre="I_post += w", delay=DELAY * _MS, name="synapses"
        )
        pre, post, weight = explicit_synapses(c)
        synapses.connect(i=pre, j=post)
        synapses.w = weight * b2.nA
        self.monitor = b2.SpikeMonitor(layer, record=False, name="counts")
        return [cells, layer, synapses, self.monitor]


def _last(unit: np.ndarray, size: int) -> np.ndarray:
    """Cells (channel, row, column) numbered (row, column, channel)."""
    return unit % size**2 * 2 + unit // size**2
