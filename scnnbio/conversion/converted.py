"""A converted network: how to show it inputs, and what its spikes stand for."""

from __future__ import annotations

import functools
import operator
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import ArrayLike

from scnnbio.conversion.affine import FloatArray
from scnnbio.conversion.tracing import INPUT
from scnnbio.errors import ConversionWarning, SpecError, not_one_of
from scnnbio.experiment import Experiment, Record, Sampling
from scnnbio.inputs import FromCurrents, Input
from scnnbio.network import Network
from scnnbio.recording import Recording
from scnnbio.shapes import Shape
from scnnbio.units import In, plain_array

#: Name of the source of the value 1, from which biases come.
BIAS = "bias"


@dataclass(frozen=True, eq=False)
class Layer:
    """A layer of a converted network.

    Parameters
    ----------
    name : str
        Of the population.
    where : str
        The module that it was.
    shape : tuple of int
        (channel, row, column).
    depth : int
        Steps by which it is later than the input.
    scale : ndarray (neurons,)
        Activation that stands for ``r_max``.
    fires : bool
        False for an output that is a sum: its potential is read.
    levels : int or None
        Of a QCFS.
    typical : float
        Mean of the activations above 0 that were measured.
    """

    name: str
    where: str
    shape: Shape
    depth: int
    scale: FloatArray
    fires: bool
    levels: int | None
    typical: float


@dataclass(frozen=True, eq=False)
class Converted:
    """A network made of a trained module.

    Parameters
    ----------
    network : Network
    dt : float
        Step in ms with which it has to run.
    r_max : float
        Rate in Hz that stands for the scale of a layer.
    layers : tuple of Layer
        In the order in which they are computed; the last one is the output.
    """

    network: Network
    dt: float
    r_max: float
    layers: tuple[Layer, ...]

    @property
    def output(self) -> Layer:
        """The last layer."""
        return self.layers[-1]

    def layer(self, name: str) -> Layer:
        """A layer by the name of its population."""
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise SpecError(not_one_of(name, [one.name for one in self.layers]), where="layer")

    def duration(self, steps: int) -> float:
        """Duration of a trial (ms) in which every layer has its input for ``steps`` steps."""
        # One more, at whose beginning the last potential is sampled.
        return (_steps(steps) + max(one.depth for one in self.layers) + 1) * self.dt

    def experiment(
        self,
        inputs: Annotated[ArrayLike, In("1")] | Input,
        steps: int,
        trials: Mapping[str, ArrayLike] | None = None,
        *,
        only_output: bool = False,
        stops: bool = False,
        seed: int = 1,
    ) -> Experiment:
        """An experiment that shows inputs, one per trial.

        Parameters
        ----------
        inputs : array (images, ...) or Input
            Values for the module, each held for the trial; or, for a network driven by spikes, an
            input such as ``FromImages``, whose trials have to last for ``duration(steps)``.
        steps : int
            T: for how many steps each layer has its input.
        trials : mapping of str to array (images,), optional
            Columns of the trial table.
        only_output : bool
            Whether only the spikes of the output are recorded.
        stops : bool
            Whether values and biases end after ``steps`` steps. The results of :meth:`counts`,
            :meth:`activations` and :meth:`outputs` are the same; early layers do not compute what
            comes after.
        seed : int

        Warns
        -----
        ConversionWarning
            If neurons with typical activations fire less than once in that time.
        """
        lasting = self.duration(steps)
        shown = steps * self.dt if stops else None
        self._check_step(steps)
        source = next(p for p in self.network.populations if p.name == INPUT)
        given = inputs
        if not isinstance(given, Input):
            if not source.gives_values:
                raise SpecError(
                    "the network takes spikes; give an Input, such as FromImages with a code",
                    where="experiment.inputs",
                )
            given = FromCurrents(
                self._values(given, source.shape),
                duration=lasting,
                shown=shown,
                trials=trials or {},
            )
        elif trials:
            raise SpecError(
                "an Input has columns of its own; give them to it", where="experiment.trials"
            )
        if abs(given.duration - lasting) > 1e-9 * lasting:
            raise SpecError(
                f"trials last {given.duration:g} ms; {steps} steps in every layer take {lasting:g}"
                " ms",
                where="experiment.inputs",
            )
        named: dict[str, Input] = {INPUT: given}
        if any(p.name == BIAS for p in self.network.populations):
            ones = np.ones((given.n_trials, 1, 1, 1))
            named[BIAS] = FromCurrents(ones, duration=lasting, shown=shown)
        kept = [one for one in self.layers if one is self.output or not only_output]
        record = Record(
            spikes=tuple(one.name for one in kept if one.fires),
            signals=tuple(Sampling(one.name, ("v",)) for one in kept if not one.fires),
        )
        return Experiment(self.network, inputs=named, record=record, dt=self.dt, seed=seed)

    def _values(self, inputs: Any, shape: Shape) -> FloatArray:
        """Inputs (images, channel, row, column)."""
        values = plain_array(inputs, "1", where="experiment.inputs")
        fits: set[tuple[int, ...]] = {shape}
        fits |= {(shape[0], shape[2])} if shape[1] == 1 else set()
        fits |= {shape[:1]} if shape[1:] == (1, 1) else set()
        if values.ndim < 2 or values.shape[1:] not in fits:
            raise SpecError(
                f"inputs of shape {values.shape} for a module that takes (images,"
                f" {', '.join(map(str, shape))})",
                where="experiment.inputs",
            )
        return values.reshape(len(values), *shape)

    def counts(self, recording: Recording, name: str, steps: int) -> FloatArray:
        """Spikes (trials, neurons) of a layer in its first ``steps`` steps with input."""
        depth = self.layer(name).depth
        end = (depth + _steps(steps)) * self.dt
        lasting = float(np.min(recording.trials["duration"]))
        if end > lasting * (1 + 1e-9):
            raise SpecError(
                f"trials of {lasting:g} ms are over before {name!r} has had {steps}"
                " steps; give fewer",
                where="counts.steps",
            )
        window = ((depth + 0.5) * self.dt, end + 0.5 * self.dt)
        return recording.counts(name, window).astype(float)

    def activations(self, recording: Recording, name: str, steps: int) -> FloatArray:
        """What a layer's spikes, or its potential, stand for, in the module's units.

        Parameters
        ----------
        recording : Recording
        name : str
        steps : int
            T, up to that of the experiment.

        Returns
        -------
        ndarray (trials, neurons)
        """
        layer = self.layer(name)
        share = _steps(steps) * self.r_max * self.dt / 1000.0
        if layer.fires:
            return self.counts(recording, name, steps) * layer.scale / share
        signal = recording.signals[name]["v"]
        at = (layer.depth + steps) * self.dt
        chosen = np.abs(signal.time - at) < 0.25 * self.dt
        if int(chosen.sum()) != recording.n_trials:
            raise SpecError(
                f"the recording has no potential after {steps} steps; record that many",
                where="activations.steps",
            )
        return np.asarray(signal.values[chosen]) * layer.scale / share

    def outputs(self, recording: Recording, steps: int) -> FloatArray:
        """The module's output (trials, neurons), as after ``steps`` steps."""
        return self.activations(recording, self.output.name, steps)

    def operations(self, recording: Recording, steps: int) -> FloatArray:
        """Synaptic operations (trials,): every arrival of a spike at a neuron."""
        total = np.zeros(recording.n_trials)
        for name, targets in self._targets.items():
            total += self.counts(recording, name, steps) @ targets
        return total

    @functools.cached_property
    def _targets(self) -> dict[str, FloatArray]:
        """Connections of each neuron of each layer that has any, by the layer's name."""
        found: dict[str, FloatArray] = {}
        for projection in self.network.projections:
            if projection.pre in (INPUT, BIAS):
                continue
            connector = projection.connector
            size = int(np.prod(connector.in_shape))
            each = np.bincount(connector.edges().pre, minlength=size).astype(float)
            found[projection.pre] = found.get(projection.pre, 0.0) + each
        return found

    def _check_step(self, steps: int) -> None:
        """Warn where a typical activation comes to less than one spike."""
        for layer in self.layers:
            if not layer.fires or (layer.levels is not None and steps >= layer.levels):
                continue
            spikes = layer.typical / float(layer.scale.mean()) * steps * self.r_max * self.dt / 1e3
            if spikes < 1.0:
                warnings.warn(
                    f"{layer.where}: active neurons of {layer.name!r} fire {spikes:.2g} spikes on"
                    f" average in {steps} steps, so that rates are coarse; use more steps (a"
                    " smaller dt), a lower percentile, scale='channel', or train with QCFS",
                    ConversionWarning,
                    stacklevel=3,
                )


def _steps(steps: Any) -> int:
    try:
        number = 0 if isinstance(steps, bool) else operator.index(steps)
    except TypeError:
        number = 0
    if number < 1:
        raise SpecError(f"{steps!r} is not a whole number from 1 up", where="steps")
    return number
