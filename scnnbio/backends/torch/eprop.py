r"""e-prop: online gradients by a three-factor rule, forwards in time.

For a weight from neuron i to neuron j, with L the learning signal of j from the readout,

.. math:: \Delta w_{ji} \propto -\sum_t L_j^t\, \bar e_{ji}^{\,t}, \quad
    e_{ji}^t = \psi_j^t\, x_i^t,

x is the presynaptic trace: the spikes of i as the neuron j filters them, by its own exact step;
psi is the surrogate's slope at the distance of j from threshold; the bar is the filter of the
readout. L is the error of the readout, through the weights from j to it. Nothing is propagated back
in time, and memory does not grow with the number of steps.

Compared with backpropagation through time, the rule ignores how a spike of j acts back on j through
other neurons, or through the reset, and what a refractory neuron does not take in. For hidden
neurons without recurrent connections or a refractory period and with reset by subtraction the two
are equal.

References
----------
Bellec et al. 2020, Nat Commun 11:3625 (equation 1, as the authors' program for it says it;
symmetric feedback).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from scnnbio.backends.torch.inputs import dense
from scnnbio.backends.torch.layers import Firing
from scnnbio.backends.torch.pathways import Pathway
from scnnbio.backends.torch.responses import Response
from scnnbio.backends.torch.trials import check_supported, checked_labels
from scnnbio.backends.torch.unrolled import Traced, Unrolled
from scnnbio.connectors import PoolingConnector
from scnnbio.errors import SpecError, Unsupported, UnsupportedError
from scnnbio.experiment import Experiment
from scnnbio.experiment.training import Training
from scnnbio.neurons.integrator import integrator

Gradients = dict[str, Tensor]


@dataclass(frozen=True)
class Factors:
    """The three factors of a weight's change, as text that is written from the running rule.

    Parameters
    ----------
    presynaptic : str
        The trace: a spike of the presynaptic neuron, filtered as by the postsynaptic one.
    slope : str
        The surrogate's slope; empty at a readout that does not fire.
    signal : str
        The learning signal: the readout's error, sent back by the weights to the readout, and the
        filter of the readout through which trace and slope go first.
    """

    presynaptic: str
    slope: str
    signal: str


class EProp:
    """Online gradients of a network with one hidden population and a readout that does not fire.

    Parameters
    ----------
    experiment : Experiment
        Sources, one hidden population, which can have recurrent connections, and the readout.
    labels : str or array of int (trials,)
        As in :func:`~scnnbio.backends.torch.train`.
    readout : str
        The population whose channels are the classes, by their potentials.
    training : Training, optional
        Its surrogate and sharpness; other settings stay at their defaults.

    Raises
    ------
    SpecError
        If another setting of ``training`` is given.
    UnsupportedError
        If the network is of another form, a neuron is not linear, or one has parameters that
        differ from neuron to neuron.
    """

    def __init__(
        self,
        experiment: Experiment,
        labels: str | Sequence[int] | NDArray[np.integer[Any]],
        readout: str,
        training: Training = Training(),  # noqa: B008  (it is immutable)
    ) -> None:
        check_supported(experiment)
        _check_settings(training)
        self.experiment, self.readout, self.training = experiment, readout, training
        network = experiment.network
        hidden = [p.name for p in network.populations if not p.is_source and p.name != readout]
        _check_form(experiment, hidden, readout)
        (self.hidden,) = hidden
        self.unrolled = Unrolled(
            experiment, torch.float64, Firing(training.surrogate, through_reset=False)
        )
        #: Pooling has no weights of its own.
        self.learned = {
            name: path
            for name, path in self.unrolled.pathways.items()
            if not isinstance(path.connector, PoolingConnector)
        }
        self.labels = checked_labels(experiment, labels, network.population(readout).shape[0])
        self.trials = list(experiment.input_stream().trials())
        self.responses = {
            name: Response(layer, _one(self.unrolled.widths[name]))
            for name, layer in self.unrolled.layers.items()
        }

    def loss(self, levels: Tensor, labels: Tensor) -> Tensor:
        """Cross-entropy of the readout's potentials (step, trial, ...), summed over steps."""
        found = levels.flatten(3).mean(3) * self.training.sharpness
        steps, trials, classes = found.shape
        wanted = labels.expand(steps, trials).reshape(-1)
        flat = found.reshape(steps * trials, classes)
        return functional.cross_entropy(flat, wanted, reduction="sum") / trials

    def _forward(
        self, chosen: slice, kernels: Mapping[str, Tensor] | None = None
    ) -> tuple[Traced, dict[str, Tensor], Tensor]:
        trials = self.trials[chosen]
        bound = self.unrolled.bound(kernels)
        sources = self.experiment.network.sources
        given = dense(trials, sources, 0, self.experiment.trial_steps, torch.float64)
        state = self.unrolled.begin(len(trials), bound)
        levels = [self.hidden, self.readout]
        _, traced = self.unrolled.advance(state, given, bound, levels)
        if bool((traced.spikes[self.readout] > 0).any()):
            raise UnsupportedError(
                "e-prop",
                [
                    Unsupported(
                        f"population {self.readout!r}",
                        "the readout fires, but the loss uses its potential",
                        "raise its threshold",
                    )
                ],
            )
        return traced, bound.weights, self.labels[chosen]

    def backpropagated(self, chosen: slice = slice(None)) -> Gradients:
        """Gradients of the same loss by backpropagation through time."""
        kernels = {name: p.kernel.clone().requires_grad_() for name, p in self.learned.items()}
        traced, _, labels = self._forward(chosen, kernels)
        self.loss(traced.levels[self.readout], labels).backward()
        return {
            name: torch.zeros_like(k) if k.grad is None else k.grad for name, k in kernels.items()
        }

    def gradients(self, chosen: slice = slice(None)) -> Gradients:
        """Gradients by the three-factor rule, step by step.

        Parameters
        ----------
        chosen : slice, optional
            Trials; all if not given.

        Returns
        -------
        dict of str to Tensor
            By projection, in the shape of its kernel; those that pool have no weights to learn.
        """
        with torch.no_grad():
            traced, weights, labels = self._forward(chosen)
            signals = self._signals(traced.levels[self.readout], labels)
            rules = [
                rule(self, path, lag, weights)
                for path in self.learned.values()
                for lag in range(len(path.delays))
                for rule in (_ToReadout if path.projection.post == self.readout else _ToHidden,)
            ]
            found = {name: torch.zeros_like(path.kernel) for name, path in self.learned.items()}
            slopes = self.training.surrogate.slope(traced.levels[self.hidden])
            # A refractory neuron does not fire, whatever its input.
            slopes = torch.where(self._held(traced), 0.0, slopes)
            for step, signal in enumerate(signals):
                for rule in rules:
                    found[rule.path.name].flatten().index_add_(
                        0, rule.taps, rule.step(step, traced, slopes, signal)
                    )
        return {name: g * self.learned[name].projection.weight for name, g in found.items()}

    def factors(self) -> dict[str, Factors]:
        """The rule's form by projection, with the numbers of one step of its filters.

        Returns
        -------
        dict of str to Factors
        """
        error = f"(p - target) of {self.readout}"
        threshold = self.unrolled.layers[self.hidden].model.threshold
        slope = f"{self.training.surrogate.written}, with y in widths from {threshold}"
        found = {}
        for name, path in self.learned.items():
            response = self.responses[path.projection.post]
            trace = response.written(f"spikes of {path.projection.pre}", path.state)
            if path.projection.post == self.readout:
                found[name] = Factors(trace, "", error)
                continue
            filters = [
                self.responses[self.readout].written("trace*slope", back.state)
                for back in self.unrolled.into[self.readout]
                if back.projection.pre == self.hidden
            ]
            found[name] = Factors(trace, slope, f"{error} by weights; {'; '.join(filters)}")
        return found

    def cosines(self, chosen: slice = slice(None)) -> dict[str, float]:
        """Cosine between both gradients by projection, and over all of them as ``"all"``."""
        ours, theirs = self.gradients(chosen), self.backpropagated(chosen)
        pairs = {name: (ours[name].flatten(), theirs[name].flatten()) for name in ours}
        joined = [torch.cat([pair[k] for pair in pairs.values()]) for k in (0, 1)]
        pairs["all"] = joined[0], joined[1]
        return {n: functional.cosine_similarity(a, b, dim=0).item() for n, (a, b) in pairs.items()}

    def _signals(self, levels: Tensor, labels: Tensor) -> Tensor:
        """Error of each neuron of the readout (step, trial, neuron)."""
        shape = levels.shape
        each = levels.flatten(3).shape[3]
        predicted = torch.softmax(levels.flatten(3).mean(3) * self.training.sharpness, dim=2)
        wanted = functional.one_hot(labels, shape[2]).to(predicted.dtype)
        error = (predicted - wanted) * self.training.sharpness / (each * shape[1])
        return error[..., None].expand(*error.shape, each).flatten(2)

    def _held(self, traced: Traced) -> Tensor:
        """Where hidden neurons are refractory (step, trial, channel, row, column)."""
        fired = traced.spikes[self.hidden]
        found = torch.zeros_like(fired, dtype=torch.bool)
        held_for = self.unrolled.layers[self.hidden].held_for
        if held_for is not None:
            for later in range(1, int(held_for.max()) + 1):
                found[later:] |= (fired[: len(fired) - later] > 0) & (held_for >= later)
        return found


class _Rule:
    """Traces of one projection at one lag."""

    def __init__(
        self, eprop: EProp, path: Pathway, lag: int, weights: Mapping[str, Tensor]
    ) -> None:
        edges = path.connector.edges()
        chosen = path.connector.lag_index(edges) == lag
        self.path, self.delay = path, path.delays[lag]
        self.pre, self.post, self.taps = (
            torch.as_tensor(column[chosen].astype(np.int64))
            for column in (edges.pre, edges.post, edges.tap)
        )
        self.response = eprop.responses[path.projection.post]
        self.trace: Tensor | None = None
        self._prepare(eprop, weights)

    def _prepare(self, eprop: EProp, weights: Mapping[str, Tensor]) -> None:
        """Prepare what a rule needs beyond traces."""

    def arrived(self, step: int, traced: Traced) -> Tensor:
        """Filtered spikes of each presynaptic neuron (trial, neuron)."""
        spikes = traced.spikes[self.path.projection.pre].flatten(2)
        due = spikes[step - self.delay] if step >= self.delay else torch.zeros_like(spikes[0])
        trace = self.response.begin(*due.shape) if self.trace is None else self.trace
        self.trace = self.response.step(trace, self.path.state, due)
        return self.response.distance(self.trace)


class _ToReadout(_Rule):
    """Presynaptic trace times error."""

    def step(self, step: int, traced: Traced, slopes: Tensor, signal: Tensor) -> Tensor:
        """Contribution of each connection to the gradient of its weight in one step."""
        return (self.arrived(step, traced)[:, self.pre] * signal[:, self.post]).sum(0)


class _ToHidden(_Rule):
    """Presynaptic trace times slope, filtered like the readout, times the learning signal."""

    def _prepare(self, eprop: EProp, weights: Mapping[str, Tensor]) -> None:
        self.back = []
        for path in eprop.unrolled.into[eprop.readout]:
            if path.projection.pre != eprop.hidden:
                continue
            edges = path.connector.edges()
            lags = path.connector.lag_index(edges)
            for lag, delay in enumerate(path.delays):
                feedback = torch.zeros(path.post.size, int(np.prod(path.connector.in_shape)),
                                       dtype=torch.float64)  # fmt: skip
                at = lags == lag
                place = tuple(
                    torch.as_tensor(c[at].astype(np.int64)) for c in (edges.post, edges.pre)
                )
                values = weights[path.name].flatten()[
                    torch.as_tensor(edges.tap[at].astype(np.int64))
                ]
                feedback.index_put_(place, values, accumulate=True)
                self.back.append((path.state, delay, feedback))
        self.readout = eprop.responses[eprop.readout]
        self.filtered: list[Tensor | None] = [None] * len(self.back)
        self.waiting: list[Tensor] = []

    def step(self, step: int, traced: Traced, slopes: Tensor, signal: Tensor) -> Tensor:
        """Contribution of each connection to the gradient of its weight in one step."""
        eligible = self.arrived(step, traced)[:, self.pre] * slopes[step].flatten(1)[:, self.post]
        self.waiting.append(eligible)
        total = torch.zeros(len(self.taps), dtype=torch.float64)
        for k, (state, delay, feedback) in enumerate(self.back):
            due = (
                self.waiting[-1 - delay]
                if len(self.waiting) > delay
                else torch.zeros_like(eligible)
            )
            before = self.filtered[k]
            trace = self.readout.begin(*due.shape) if before is None else before
            self.filtered[k] = after = self.readout.step(trace, state, due)
            back = (signal @ feedback)[:, self.post]
            total += (self.readout.distance(after) * back).sum(0)
        longest = max((delay for _, delay, _ in self.back), default=0)
        self.waiting = self.waiting[-longest:] if longest else []
        return total


def _one(width: Tensor | None) -> Tensor:
    return torch.ones(1) if width is None else width


def _check_settings(training: Training) -> None:
    """Raise if a setting is given that has no meaning here."""
    plain = Training(surrogate=training.surrogate, sharpness=training.sharpness)
    names = [field.name for field in dataclasses.fields(Training)]
    if given := [n for n in names if getattr(training, n) != getattr(plain, n)]:
        raise SpecError(
            f"e-prop takes surrogate and sharpness alone; leave out {', '.join(given)}",
            where="training",
        )


def _check_form(experiment: Experiment, hidden: Sequence[str], readout: str) -> None:
    """Raise unless a network is sources, one hidden population and a readout, of linear neurons."""
    network = experiment.network
    problems = []
    if len(hidden) != 1:
        problems.append(
            Unsupported(
                "network",
                f"{len(hidden)} hidden populations",
                "give one between source and readout",
            )
        )
    problems += [
        Unsupported(
            f"population {name!r}",
            "currents and values have no presynaptic trace",
            "give them as spikes, by FromImages with a code",
        )
        for name in experiment.lowered.drives
    ]
    problems += [
        Unsupported(
            f"projection {p.name!r}",
            "the trace of a spike does not know whether it was the first of its window",
            "pool by mode 'sum' or 'average'",
        )
        for p in network.projections
        if isinstance(p.connector, PoolingConnector) and p.connector.passes_first_spike
    ]
    if any(p.pre == readout for p in network.projections):
        problems.append(
            Unsupported(f"population {readout!r}", "the readout projects", "leave that out")
        )
    for name in (*hidden, readout):
        population = network.population(name)
        element = f"population {name!r}"
        if not all(update.exact for update in integrator(population.model).updates):
            problems.append(
                Unsupported(
                    element, f"{population.model.name} is not linear", "use a linear neuron"
                )
            )
        elif any(map(np.ndim, (*population.parameters.values(), *population.initial.values()))):
            problems.append(
                Unsupported(
                    element, "parameters or initial values differ between neurons",
                    "give one value for all",
                )
            )  # fmt: skip
    if problems:
        raise UnsupportedError("e-prop", problems)
