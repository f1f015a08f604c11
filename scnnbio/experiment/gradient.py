"""Stages that learn by gradient: what a document says of them."""

from __future__ import annotations

import dataclasses
import reprlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from scnnbio.connectors import EdgeListConnector
from scnnbio.encoding import RegularCode
from scnnbio.errors import SpecError, hint
from scnnbio.experiment.documents import as_table, build, by_kind
from scnnbio.experiment.surrogates import Surrogate
from scnnbio.experiment.training import Training
from scnnbio.inputs import Augmentation, FromImages
from scnnbio.inputs.collections import TRAIN, VALIDATION
from scnnbio.network import Network
from scnnbio.stimuli.base import count
from scnnbio.units import Number, plain
from scnnbio.values import Value, fields_of

#: Column of the trial table that says what a trial is for.
PART = "part"


@dataclass(frozen=True)
class Gradient(Value):
    """How a stage learns by gradient to classify its trials.

    A stage with a column ``part`` in its trial table learns from the trials whose part is
    ``"train"``, keeps the epoch that classifies the most trials of the part ``"validation"``
    correctly, and ignores all other trials. Without that column it learns from all trials and
    keeps the last epoch.

    Parameters
    ----------
    readout : str
        The population whose channels are the classes.
    labels : str
        Column of the trial table with the class of each trial, from 0.
    """

    readout: str
    labels: str = "label"

    def check(self, experiment: Any) -> None:
        """Raise unless an experiment has what this needs.

        Parameters
        ----------
        experiment : Experiment

        Raises
        ------
        SpecError
            If the readout, the labels or a part is missing, or the experiment records anything.
        """
        population = experiment.network.population(self.readout)
        if population.is_source:
            raise SpecError(
                f"{self.readout!r} is a source, which cannot learn; name another population",
                where="training.readout",
            )
        table = experiment.trial_table()
        if self.labels not in table:
            raise SpecError(
                f"there is no column {self.labels!r}; {hint(self.labels, table)}",
                where="training.labels",
            )
        if not experiment.learning:
            raise SpecError(
                "a stage that trains has learning = true; show the trials in another stage that"
                " takes its weights_from this one",
                where="learning",
            )
        if experiment.record.spikes or experiment.record.signals or experiment.record.snapshots:
            raise SpecError(
                "a stage that trains records nothing; record in another stage that takes its"
                " weights_from this one",
                where="record",
            )
        self.parts(table)

    def simulated(self, network: Network) -> Network:
        """The part of a network's description that training simulates."""
        return network

    def parts(self, table: Any) -> tuple[NDArray[np.intp], NDArray[np.intp] | None]:
        """Trials to learn from, and those for validation.

        Parameters
        ----------
        table : mapping of str to array (trials,)
            The trial table.

        Returns
        -------
        train, validation : ndarray of int
            Without a column ``part``: all trials, and None.

        Raises
        ------
        SpecError
            If no trial has one of the two parts.
        """
        if PART not in table:
            return np.arange(len(table[self.labels])), None
        found = np.asarray(table[PART])
        train, validation = (np.flatnonzero(found == name) for name in (TRAIN, VALIDATION))
        for name, rows in ((TRAIN, train), (VALIDATION, validation)):
            if not len(rows):
                known = ", ".join(map(repr, np.unique(found).tolist()))
                raise SpecError(
                    f"no trial has {name!r} in the column {PART!r}, only {known}; training needs"
                    " both, so show all parts in this stage",
                    where="training",
                )
        return train, validation


def check_training(training: object, experiment: Any) -> None:
    """Raise unless a value is a :class:`Gradient` and the experiment has what it needs."""
    if not isinstance(training, Gradient):
        raise SpecError(f"{reprlib.repr(training)} is not of the type Gradient", where="training")
    training.check(experiment)


@final
@dataclass(frozen=True)
class BySurrogates(Gradient):
    """Backpropagation through the steps of the spiking network, with surrogate gradients.

    Parameters
    ----------
    settings : Training
        Without ``learn``: the stages that follow take kernels and thresholds from this one.
    augmentation : Augmentation, optional
        Changes the images of the part ``"train"``, in another way in each epoch. The images of a
        trial change together.
    """

    settings: Training = field(default_factory=Training)
    augmentation: Augmentation | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.augmentation, Augmentation | None):
            raise SpecError(
                f"{reprlib.repr(self.augmentation)} is not an Augmentation",
                where="training.augmentation",
            )
        if not isinstance(self.settings, Training):
            raise SpecError(f"{self.settings!r} is not a Training", where="training.settings")
        if self.settings.learn:
            raise SpecError(
                "a later stage takes kernels and thresholds from this one, and no other parameters;"
                " learn those with scnnbio.backends.torch.train",
                where="training.settings.learn",
            )

    def canonical_fields(self) -> dict[str, Any]:
        """The fields; without an augmentation, those that earlier versions had."""
        found = fields_of(self)
        if self.augmentation is None:
            del found["augmentation"]  # their experiments keep their identity
        return found

    def check(self, experiment: Any) -> None:
        """Raise unless an experiment has what this needs. See :meth:`Gradient.check`."""
        super().check(experiment)
        self._check_delays(experiment.network)
        if self.augmentation is None:
            return
        for name, shown in experiment.inputs.items():
            if not isinstance(shown, FromImages):
                raise SpecError(
                    f"{type(shown).__name__} has no images; augmentation changes FromImages",
                    where=f"inputs.{name}",
                )

    def _check_delays(self, network: Network) -> None:
        """Raise if a later stage cannot take a delay, since it is no part of a kernel."""
        listed = [p.name for p in network.projections if isinstance(p.connector, EdgeListConnector)]
        for name in self.settings.delays:
            if name in listed:
                raise SpecError(
                    f"a later stage takes kernels from this one, but not the lags of the list of"
                    f" connections {name!r}; use a convolution with lags, or learn them with"
                    " scnnbio.backends.torch.train",
                    where="training.settings.delays",
                )

    def trials_of(self, experiment: Any, epoch: int) -> Any:
        """The trials to learn from in an epoch, as an experiment that does not train.

        Parameters
        ----------
        experiment : Experiment
            The stage.
        epoch : int
            From 0. With the experiment's seed it determines the changes of the images and the
            draws of their code.

        Returns
        -------
        Experiment
        """
        if self.augmentation is None:
            raise SpecError("without it all epochs are the same", where="training.augmentation")
        train, _ = self.parts(experiment.trial_table())
        drawn = np.random.SeedSequence([experiment.seed, epoch])
        seed = int(drawn.generate_state(1)[0])
        # With the same draws for each source, the images of a trial stay together.
        inputs = {
            name: self.augmentation.of(_some(shown, train), np.random.default_rng(drawn))
            for name, shown in experiment.inputs.items()
        }
        return dataclasses.replace(experiment, inputs=inputs, training=None, seed=seed)

    def simulated(self, network: Network) -> Network:
        """The network without rules of thresholds, which act between batches."""
        still = (dataclasses.replace(p, homeostasis=None) for p in network.populations)
        return Network(tuple(still), network.projections)


def _some(given: FromImages, rows: NDArray[np.intp]) -> FromImages:
    """Some of the images, in this order, with their labels."""
    columns = {name: values[rows] for name, values in given.columns.items()}
    values = given.values[rows].transpose(0, 2, 3, 1)
    return FromImages(values, given.code, given.duration, columns)


@final
@dataclass(frozen=True)
class ByConversion(Gradient):
    """A torch module of the network's layers is trained on the images, and converted.

    The network has neurons without leak, one layer after another, and a source of images whose
    values are rates: the code is ``"regular"``, begins in the middle, and fires in every step for
    the value 1. The module has an activation of ``levels`` in place of each layer that fires (Bu et
    al. 2022, ICLR), and no biases.

    Parameters
    ----------
    levels : int
        Values of the activation above 0: what T = ``levels`` steps can tell.
    epochs : int
        Passes over the images.
    batch : int
        Images per step of the optimiser.
    learning_rate : float
        The highest; it rises and falls.
    """

    levels: int = 8
    epochs: int = 10
    batch: int = 64
    learning_rate: Number = 0.004

    def __post_init__(self) -> None:
        for name in ("levels", "epochs", "batch"):
            object.__setattr__(self, name, count(getattr(self, name), f"training.{name}"))
        rate = plain(self.learning_rate, "1", where="training.learning_rate")
        if rate <= 0:
            raise SpecError(f"{rate:g} is not positive", where="training.learning_rate")
        object.__setattr__(self, "learning_rate", rate)

    def check(self, experiment: Any) -> None:
        """Raise unless an experiment has what this needs. See :meth:`Gradient.check`."""
        super().check(experiment)
        for name, shown in experiment.inputs.items():
            where = f"inputs.{name}"
            if not isinstance(shown, FromImages):
                raise SpecError(
                    f"{type(shown).__name__} has no images; a module learns from FromImages",
                    where=where,
                )
            code, fastest = shown.code, 1000.0 / experiment.dt
            if not (
                isinstance(code, RegularCode)
                and (code.begins, code.gain, code.spontaneous) == ("middle", fastest, 0.0)
                and code.max_rate >= fastest
            ):
                raise SpecError(
                    f"{code!r} does not fire at {fastest:g} Hz times the value, which is one spike"
                    f" per step for white; use {{ kind = 'regular', gain = '{fastest:g} Hz',"
                    f" max_rate = '{fastest:g} Hz', begins = 'middle' }}",
                    where=f"{where}.code",
                )


#: Ways to learn by gradient, by their kind in a document.
GRADIENTS: dict[str, type[Gradient]] = {"surrogate": BySurrogates, "conversion": ByConversion}


def _settings(table: Any, where: str) -> Training:
    readers: dict[str, Callable[[Any, str], Any]] = {
        "surrogate": partial(build, Surrogate),
        "learn": as_table,
    }
    return build(Training, table, where, readers)


#: ``read_gradient(table, where)``: how a stage learns, from its table in a document.
read_gradient: Callable[[Any, str], Gradient] = by_kind(
    GRADIENTS, {"settings": _settings, "augmentation": partial(build, Augmentation)}
)
