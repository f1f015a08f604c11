"""Training by backpropagation through time, with surrogate gradients.

References
----------
Neftci, Mostafa & Zenke 2019, IEEE Signal Process Mag 36:51 (surrogate gradients); Zenke & Vogels
2021, Neural Comput 33:899 (which surrogate, which regularisation); Kingma & Ba 2015, ICLR (Adam).
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from scnnbio._allocator import keep_freed_memory
from scnnbio.backends.torch.diagnostics import Watch
from scnnbio.backends.torch.driving import piece as of_steps
from scnnbio.backends.torch.dropout import Dropout
from scnnbio.backends.torch.inputs import Trial, dense
from scnnbio.backends.torch.layers import Firing
from scnnbio.backends.torch.learnables import Average, Learnables
from scnnbio.backends.torch.losses import (
    budget_price,
    cross_entropy,
    evidence,
    operations,
    rate_price,
)
from scnnbio.backends.torch.quantised import Quantiser, deployed
from scnnbio.backends.torch.trials import Labelled, alike, check_supported, labelled
from scnnbio.backends.torch.unrolled import Bound, Traced, Unrolled
from scnnbio.errors import SpecError
from scnnbio.experiment import Experiment, Report
from scnnbio.experiment.training import Training
from scnnbio.network import Network

if TYPE_CHECKING:
    from pandas import DataFrame

_DTYPES = {"single": torch.float32, "mixed": torch.float32, "double": torch.float64}
#: Bytes of a batch that are kept for the next: otherwise new pages take a tenth of the time.
_KEPT = 1 << 30
#: Number of batches between updates of the exponents of a machine's weights.
_REFRESHED = 50


@dataclass(frozen=True, eq=False)
class Trained:
    """Result of training.

    Parameters
    ----------
    network : Network
        With the kernels, parameters and thresholds of the chosen epoch, and without homeostasis,
        so that it runs on every backend that supports its neurons.
    epochs : DataFrame
        One row per epoch: loss, accuracy on the trials that it learned from, accuracy on those for
        validation, synaptic operations per trial, seconds.
    layers : DataFrame
        One row per epoch and population: mean rate, share of neurons that never fired, share that
        fired in more than half of the steps that refractoriness leaves, mean shared threshold.
    weights : DataFrame
        One row per epoch and projection: mean, standard deviation and ends of the kernel; mean and
        standard deviation of its lags, where delays are learned.
    chosen : int
        The epoch of the network: the best on validation, or the last without validation.
    """

    network: Network
    epochs: DataFrame
    layers: DataFrame
    weights: DataFrame
    chosen: int


def train(
    experiment: Experiment,
    labels: str | Sequence[int] | NDArray[np.integer[Any]],
    readout: str,
    training: Training = Training(),  # noqa: B008  (it is immutable)
    *,
    validation: Experiment | None = None,
    trials_of: Callable[[int], Experiment] | None = None,
    report: Report | None = None,
) -> Trained:
    """Train a network to classify its trials, by surrogate gradients.

    Parameters
    ----------
    experiment : Experiment
        The network at the beginning, and the trials to learn from. Its seed decides in which order
        they are shown. Populations with a :class:`~scnnbio.plasticity.SharedThreshold` keep their
        rates by it while kernels are learned.
    labels : str or array of int (trials,)
        Class of each trial, from 0; text names a column of the trial table.
    readout : str
        The population whose channels are the classes.
    training : Training, optional
    validation : Experiment, optional
        Other trials of the same duration and step, whose labels are the column that ``labels``
        names; its network is not used. The epoch with the best accuracy on them is kept.
    trials_of : callable, optional
        ``trials_of(epoch)``, from 0, is an experiment whose trials are learned from in that epoch,
        in place of those of ``experiment``: images moved in another way, or new draws of a random
        code. They have the same number, duration and step, and a column of labels; its network is
        not used.
    report : callable, optional
        Called as ``report(phase, done, total)``; the phase names loss, accuracy and the shares of
        silent and runaway neurons of the epoch before.

    Returns
    -------
    Trained

    Raises
    ------
    UnsupportedError
        If the torch backend cannot take the experiment, or the machine whose weights are used.
    SpecError
        If labels do not fit the trials or the readout, trials of an epoch or for validation do not
        fit the experiment, or the loss is not finite.

    Notes
    -----
    The seed of the experiment determines all random numbers, so that it gives one network per
    machine and number of threads; the order of torch's sums depends on the number of threads.
    """
    trainer = Trainer(experiment, labels, readout, training, validation, trials_of=trials_of)
    return trainer.trained(report or _silent)


def _silent(phase: str, done: float, total: float) -> None:
    """Ignore progress."""


class Trainer:
    """Training of one experiment; arguments as of :func:`train`.

    Parameters
    ----------
    experiment, labels, readout, training, validation, trials_of
    parts : (array of int, array of int), optional
        Trials of the experiment to learn from, and trials for validation, instead of all trials
        and of a second experiment. ``trials_of`` has trials to learn from only.
    """

    def __init__(
        self,
        experiment: Experiment,
        labels: Any,
        readout: str,
        training: Training,
        validation: Experiment | None,
        parts: tuple[NDArray[np.intp], NDArray[np.intp]] | None = None,
        trials_of: Callable[[int], Experiment] | None = None,
    ) -> None:
        check_supported(experiment)
        self.experiment, self.readout, self.training = experiment, readout, training
        self.dtype = _DTYPES[training.precision]
        firing = Firing(training.surrogate, through_reset=training.through_reset)
        mixed = training.precision == "mixed"
        self.unrolled = Unrolled(experiment, self.dtype, firing, mixed)
        population = experiment.network.population(readout)
        if population.is_source:
            raise SpecError("a spike source cannot learn; name another population", where="readout")
        self.classes = population.shape[0]
        self.column, self.trials_of = labels, trials_of
        self.shown = labelled(experiment, labels, self.classes)
        self.validation: Labelled | None = None
        if validation is not None:
            self.validation = self._alike(validation, "validation")
        elif parts is not None:
            self.shown, self.validation = (self.shown.at(rows) for rows in parts)
        self.learnables = Learnables(
            experiment.network, self.unrolled, training, experiment.trial_duration
        )
        self.fans = {
            source: sum(paths, start=torch.zeros((), dtype=self.dtype))
            for source, paths in self._fans().items()
        }
        self.dropout = Dropout(experiment.network, training.dropout, experiment.seed, self.dtype)
        self.quantiser = None
        if training.quantise is not None:
            plain = dataclasses.replace(experiment, learning=False)
            self.quantiser = Quantiser(plain, self.dtype)
        self.watch = Watch(self.unrolled, experiment)

    def _alike(self, given: Any, where: str) -> Labelled:
        return alike(given, self.experiment, self.column, self.classes, where)

    def of_epoch(self, epoch: int) -> Labelled:
        """Trials to learn from in an epoch, from 0."""
        if self.trials_of is None:
            return self.shown
        found = self._alike(self.trials_of(epoch), "trials_of")
        if len(found) != len(self.shown):
            raise SpecError(
                f"epoch {epoch} has {len(found)} trials, and training has {len(self.shown)}; give"
                " each epoch the same number",
                where="trials_of",
            )
        return found

    def _fans(self) -> dict[str, list[Tensor]]:
        found: dict[str, list[Tensor]] = {}
        for path in self.unrolled.pathways.values():
            found.setdefault(path.projection.pre, []).append(path.fan_out())
        return found

    def trained(self, report: Report) -> Trained:
        """Run all epochs."""
        training = self.training
        keep_freed_memory(_KEPT)
        # Without weight decay, which would pull kernels towards silence.
        optimiser = torch.optim.Adam(self.learnables.leaves(), lr=training.learning_rate)
        rng = np.random.default_rng([self.experiment.seed, len(self.shown)])
        batches = math.ceil(len(self.shown) / training.batch)
        total = training.epochs * batches
        best, chosen, network = -1.0, 0, self.experiment.network
        average = None
        if training.average is not None:
            average = Average(self.learnables, training.average)
        for epoch in range(training.epochs):
            begin = time.perf_counter()
            phase = f"epoch {epoch + 1} of {training.epochs}{self.watch.summary()}"
            self.watch.begin()
            shown = self.of_epoch(epoch)
            for k, chosen_trials in enumerate(self._shuffled(rng)):
                done = epoch * batches + k
                self.learnables.progress = done / total
                if training.schedule == "cosine":
                    share = 0.5 * (1.0 + math.cos(math.pi * done / total))
                    optimiser.param_groups[0]["lr"] = training.learning_rate * share
                if self.quantiser is not None and done % _REFRESHED == 0:
                    self.quantiser.refresh(self._experiment())
                self._batch(optimiser, shown.at(chosen_trials), epoch)
                if average is not None:
                    average.add()
                report(phase, k + 1, batches)
            with nullcontext() if average is None else average.in_place():
                accuracy = self._validated()
                self.watch.end(self.learnables, accuracy, time.perf_counter() - begin)
                if accuracy is None or accuracy > best:
                    best, chosen = (accuracy or 0.0), epoch
                    network = self._network()
        return Trained(network, *self.watch.tables(), chosen)

    def _shuffled(self, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
        order = rng.permutation(len(self.shown))
        for first in range(0, len(order), self.training.batch):
            yield order[first : first + self.training.batch]

    def _experiment(self) -> Experiment:
        """The experiment with the current kernels, and without learning in the simulation."""
        network = self.learnables.as_network().without_plasticity()
        return dataclasses.replace(self.experiment, network=network, learning=False)

    def _network(self) -> Network:
        if self.quantiser is None:
            return self._experiment().network
        return deployed(self._experiment(), self.learnables.kernels)

    def _bound(self) -> Bound:
        bound = self.learnables.bound()
        if self.quantiser is None:
            return bound
        return Bound(self.quantiser.rounded(bound.weights), bound.names)

    def _kept(self) -> Bound:
        """Weights and constants of the network that would be kept now, without gradients."""
        bound = self.learnables.bound(rounded=True)
        if self.quantiser is None:
            return bound
        # Its exponents are those of its own weights, not of the last time they were looked up.
        experiment = dataclasses.replace(self._experiment(), network=self._network())
        kernels = {
            p.name: torch.as_tensor(np.array(p.kernel), dtype=self.dtype)
            for p in experiment.network.projections
        }
        weights = self.unrolled.bound(kernels).weights
        return Bound(Quantiser(experiment, self.dtype).rounded(weights), bound.names)

    def _batch(self, optimiser: torch.optim.Optimizer, chosen: Labelled, epoch: int) -> None:
        """Make one step of the optimiser."""
        training = self.training
        factors, labels = self.dropout.factors(len(chosen)), chosen.labels
        traced = self.through(chosen.trials, self._bound(), factors)
        found = evidence(traced, self.readout, training)
        loss = cross_entropy(found, labels)
        spent = operations(traced.spikes, self.fans)
        price = loss
        if training.rates is not None:
            hidden = {
                n: s for n, s in traced.spikes.items()
                if n in self.unrolled.layers and n != self.readout
            }  # fmt: skip
            if hidden:
                outside = rate_price(hidden, training.rates, self.experiment.trial_duration)
                price = price + training.rate_penalty * outside
        if training.budget is not None:
            price = price + training.budget_penalty * budget_price(spent, training.budget)
        if not bool(torch.isfinite(price)):
            raise SpecError(
                f"the loss is not finite in epoch {epoch + 1}; lower the learning rate or the"
                " sharpness",
                where="training.learning_rate",
            )
        optimiser.zero_grad(set_to_none=True)
        price.backward()
        optimiser.step()
        self.learnables.keep_in_range()
        with torch.no_grad():
            for name, one in self.learnables.thresholds.items():
                one.adapt(traced.spikes[name])
            right = int((found.argmax(1) == labels).sum())
            self.watch.batch(traced, loss.item(), right, spent.item(), len(chosen))

    def through(
        self,
        trials: Sequence[Trial],
        bound: Bound,
        factors: Mapping[str, Tensor] | None = None,
    ) -> Traced:
        """Run whole trials, in pieces where gradients are truncated or recomputed."""
        steps, training = self.experiment.trial_steps, self.training
        sources = self.experiment.network.spike_sources
        drives = self.unrolled.driving.of(trials, bound.weights)
        piece = training.truncate or training.checkpoint or steps
        levels = [self.readout] if training.loss == "membrane" else []
        state = self.unrolled.begin(len(trials), bound, factors)
        pieces: list[Traced] = []
        for begin in range(0, steps, piece):
            end = min(begin + piece, steps)
            given = dense(trials, sources, begin, end, self.dtype)
            arguments = given, bound, levels, (), of_steps(drives, begin, end)
            # What neurons begin with depends on parameters that are learned, so it is kept.
            if training.truncate is not None and begin > 0:
                state = state.detached()
            if training.checkpoint is not None and torch.is_grad_enabled():
                state, traced = checkpoint(
                    self.unrolled.advance, state, *arguments, use_reentrant=False
                )
            else:
                state, traced = self.unrolled.advance(state, *arguments)
            pieces.append(traced)
        if len(pieces) == 1:
            return pieces[0]
        return Traced(
            {n: torch.cat([p.spikes[n] for p in pieces]) for n in pieces[0].spikes},
            {n: torch.cat([p.levels[n] for p in pieces]) for n in levels},
        )

    def _validated(self) -> float | None:
        """Fraction of correctly classified validation trials; None without any."""
        if self.validation is None:
            return None
        trials, labels = self.validation.trials, self.validation.labels
        right, batch = 0, 4 * self.training.batch
        with torch.no_grad():
            bound = self._kept()
            for first in range(0, len(trials), batch):
                part = slice(first, first + batch)
                found = evidence(self.through(trials[part], bound), self.readout, self.training)
                right += int((found.argmax(1) == labels[part]).sum())
        return right / len(trials)
