"""Diagnostics of training per epoch: loss, accuracy, silent and runaway neurons, weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor

from scnnbio.backends.torch.learnables import Learnables
from scnnbio.backends.torch.unrolled import Traced, Unrolled
from scnnbio.experiment import Experiment

if TYPE_CHECKING:
    from pandas import DataFrame

#: Fraction of the steps outside refractoriness in which a runaway neuron fires.
_RUNAWAY = 0.5


class Watch:
    """Diagnostics that are collected in each epoch.

    Parameters
    ----------
    unrolled : Unrolled
    experiment : Experiment
    """

    def __init__(self, unrolled: Unrolled, experiment: Experiment) -> None:
        self.seconds = experiment.trial_duration * 1e-3
        steps = experiment.trial_steps
        #: Spikes per trial above which a neuron of each layer counts as runaway.
        self.most: dict[str, Any] = {
            name: _RUNAWAY * steps / (1 if layer.held_for is None else layer.held_for + 1)
            for name, layer in unrolled.layers.items()
        }
        self.epochs: list[dict[str, Any]] = []
        self.layers: list[dict[str, Any]] = []
        self.kernels: list[dict[str, Any]] = []
        self.begin()

    def begin(self) -> None:
        """Begin a new epoch."""
        self.counts: dict[str, Tensor] = {}
        self.loss, self.right, self.operations, self.trials = 0.0, 0, 0.0, 0

    def batch(
        self, traced: Traced, loss: float, right: int, operations: float, trials: int
    ) -> None:
        """Add the results of a batch."""
        for name in self.most:
            counted = traced.spikes[name].sum((0, 1))
            self.counts[name] = self.counts.get(name, 0.0) + counted
        self.loss += loss * trials
        self.right += right
        self.operations += operations * trials
        self.trials += trials

    def end(self, learnables: Learnables, validation: float | None, seconds: float) -> None:
        """Finish an epoch: add its rows to the tables."""
        epoch = len(self.epochs)
        nan = float("nan")
        self.epochs.append({
            "epoch": epoch, "loss": self.loss / self.trials, "accuracy": self.right / self.trials,
            "validation": nan if validation is None else validation,
            "operations": self.operations / self.trials, "seconds": seconds,
        })  # fmt: skip
        for name, counted in self.counts.items():
            each = counted / self.trials
            threshold = learnables.thresholds.get(name)
            self.layers.append({
                "epoch": epoch, "population": name, "rate": float(each.mean()) / self.seconds,
                "dead": float((counted == 0).double().mean()),
                "runaway": float((each > self.most[name]).double().mean()),
                "threshold": nan if threshold is None else float(threshold.values.mean()),
            })  # fmt: skip
        for name, one in learnables.kernels.items():
            kernel = one.value().detach()
            spread = float(kernel.std(unbiased=False))
            row = {
                "epoch": epoch, "projection": name, "mean": float(kernel.mean()), "sd": spread,
                "lowest": float(kernel.min()), "highest": float(kernel.max()),
            }  # fmt: skip
            if (delays := learnables.delays.get(name)) is not None:
                lags = delays.rounded()
                row |= {"lag": float(lags.mean()), "lag_sd": float(lags.std())}
            self.kernels.append(row)

    def summary(self) -> str:
        """Summary of the last epoch in a few words; empty before the first one ends."""
        if not self.epochs:
            return ""
        last = self.epochs[-1]
        rows = [row for row in self.layers if row["epoch"] == last["epoch"]]
        dead, runaway = (max(row[key] for row in rows) for key in ("dead", "runaway"))
        tested = last["validation"]
        shown = "" if tested != tested else f", {tested:.2%} on validation"
        return (
            f" (before: loss {last['loss']:.3g}, {last['accuracy']:.2%} right{shown}; silent up to"
            f" {dead:.0%} of a layer, runaway {runaway:.0%})"
        )

    def tables(self) -> tuple[DataFrame, DataFrame, DataFrame]:
        """Epochs, layers and kernels."""
        from pandas import DataFrame

        return DataFrame(self.epochs), DataFrame(self.layers), DataFrame(self.kernels)
