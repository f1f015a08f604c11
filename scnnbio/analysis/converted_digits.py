"""Answers of a converted network after any number of steps, beside those of its module."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scnnbio.analysis.digit_votes import correct, judging
from scnnbio.analysis.readout import Accuracy
from scnnbio.connectors.matrices import as_matrix
from scnnbio.errors import SpecError
from scnnbio.experiment import Run
from scnnbio.inputs import FromImages
from scnnbio.network import Network, Projection

#: Images that are computed at a time.
_AT_ONCE = 500


@dataclass(frozen=True, eq=False)
class ConvertedCourse:
    """A converted network after several numbers of steps.

    Parameters
    ----------
    steps : ndarray of int (n,)
        T: how long each layer has had its input.
    accuracy : tuple of Accuracy
        On the images that judge, after each.
    module : Accuracy
        Of the module of the same weights.
    spikes, operations : ndarray (n,)
        Spikes of the layers and arrivals of spikes at neurons, per image.
    multiplications : int
        Of the module per image.
    """

    steps: NDArray[np.int64]
    accuracy: tuple[Accuracy, ...]
    module: Accuracy
    spikes: NDArray[np.float64]
    operations: NDArray[np.float64]
    multiplications: int

    def loss(self, steps: int) -> float:
        """Accuracy after so many steps minus that of the module.

        Raises
        ------
        SpecError
            If the run is shorter.
        """
        (places,) = np.nonzero(self.steps == steps)
        if not len(places):
            raise SpecError(f"the run is shorter than {steps} steps", where="steps")
        return self.accuracy[int(places[0])].value - self.module.value


def converted_course(run: Run, readout: str, column: str = "label") -> ConvertedCourse:
    """Accuracy, spikes and operations of a converted network after 1, 2, 4, ... steps.

    Parameters
    ----------
    run : Run
        Of layers without leak, one after another, with delays of one step; the spikes of all but
        the readout are recorded, and the readout's potential in every step.
    readout : str
        The last population, whose potential is a sum.
    column : str
        Column of the trial table with the right classes.

    Returns
    -------
    ConvertedCourse

    Raises
    ------
    SpecError
        If the run is not of this kind.
    """
    recording, dt = run.recording, run.experiment.dt
    layers = _chain(run.experiment.network, readout)
    signal = recording.signals.get(readout, {}).get("v")
    if signal is None:
        raise SpecError(f"the run sampled no potential of {readout!r}", where="run")
    depth = {layer.post: k + 1 for k, layer in enumerate(layers)}
    longest = round(run.experiment.trial_duration / dt) - len(layers) - 1
    steps = 2 ** np.arange(max(longest, 0).bit_length())
    steps = steps[steps <= longest]
    accuracies, spikes, operations = [], np.zeros(len(steps)), np.zeros(len(steps))
    targets = {
        layer.pre: np.bincount(
            layer.connector.edges().pre, minlength=int(np.prod(layer.connector.in_shape))
        )
        for layer in layers[1:]
    }
    for k, after in enumerate(steps):
        at = np.abs(signal.time - (len(layers) + after) * dt) < 0.25 * dt
        accuracies.append(correct(np.asarray(signal.values[at]).argmax(1), recording, column))
        for name, each in targets.items():
            window = ((depth[name] + 0.5) * dt, (depth[name] + after + 0.5) * dt)
            counts = recording.counts(name, window)
            spikes[k] += counts.sum() / recording.n_trials
            operations[k] += float((counts @ each).sum()) / recording.n_trials
    answers = np.zeros(recording.n_trials, np.int64)
    judges = np.flatnonzero(judging(recording))
    answers[judges] = module_answers(run, readout, judges)
    multiplications = sum(len(layer.connector.edges().pre) for layer in layers)
    return ConvertedCourse(
        steps, tuple(accuracies), correct(answers, recording, column), spikes, operations,
        multiplications,
    )  # fmt: skip


def module_answers(
    run: Run, readout: str, chosen: NDArray[np.intp], levels: int = 8
) -> NDArray[np.int64]:
    """Answers of the module of a network: clipped, rounded sums in place of spikes.

    A layer has the activation floor(L z + 1/2)/L, from 0 to 1, of the sum z of its input, as a
    neuron that begins at half its threshold fires in L steps (Bu et al. 2022, ICLR).

    Parameters
    ----------
    run : Run
    readout : str
    chosen : ndarray of int
        Trials.
    levels : int
        L.

    Returns
    -------
    ndarray of int (trials,)
    """
    network = run.experiment.network
    layers = _chain(network, readout)
    shown = run.experiment.inputs[layers[0].pre]
    if not isinstance(shown, FromImages):
        raise SpecError(f"{layers[0].pre!r} is not driven by images", where="run")
    matrices = [layer.weight * as_matrix(layer.connector) for layer in layers]
    white = 255.0 if shown.values.dtype == np.uint8 else 1.0
    found = []
    for begin in range(0, len(chosen), _AT_ONCE):
        values = shown.values[chosen[begin : begin + _AT_ONCE]]
        rates = (values.reshape(len(values), -1) / white).T
        for k, matrix in enumerate(matrices):
            rates = matrix @ rates
            if k + 1 < len(matrices):
                rates = np.clip(np.floor(levels * rates + 0.5) / levels, 0.0, 1.0)
        found.append(rates.argmax(0))
    return np.concatenate(found)


def _chain(network: Network, readout: str) -> list[Projection]:
    """The projections that lead to the readout, the first one from a source."""
    found: list[Projection] = []
    here = readout
    while not network.population(here).is_source:
        before = network.incoming(here)
        if len(before) != 1 or len(found) > len(network.projections):
            raise SpecError(f"{here!r} has {len(before)} inputs, not one", where="network")
        found.insert(0, before[0])
        here = before[0].pre
    return found
