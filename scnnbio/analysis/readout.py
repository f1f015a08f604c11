"""A linear read-out of a layer: pooled counts, a fixed split, a choice on validation, an accuracy.

::

    features = PooledCounts("v1", size=6, stride=3, padding=2).of(recording)
    labels = labels_of(recording)
    split = Split.by_column(recording, "part")
    found = read_out(features, labels, split)
    found.accuracy.value, found.accuracy.interval

Features are made of spikes alone: :meth:`PooledCounts.of` reads no column of the trial table, so
that no label can touch them. Labels meet features in :func:`read_out` only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from numpy.typing import NDArray

from scnnbio.analysis.pooled_counts import PooledCounts
from scnnbio.errors import SpecError, hint
from scnnbio.recording import Recording
from scnnbio.units import In, Number, plain, plain_array, whole_numbers
from scnnbio.values import Value

if TYPE_CHECKING:
    from pandas import DataFrame
    from scipy.sparse import csr_array

__all__ = [
    "Accuracy",
    "PooledCounts",
    "ReadOut",
    "Split",
    "labels_of",
    "linear_classifiers",
    "read_out",
]

Indices = NDArray[np.int64]

#: Costs of LinearSVC that are tried: its regularisation is 1/cost.
COSTS = (0.0005, 0.002, 0.008)
#: Of a split, as a column of the trial table names them.
PARTS = ("train", "validation", "test")


@dataclass(frozen=True, eq=False)
class Split(Value):
    """Split of trials for training, validation and test of a read-out.

    Parameters
    ----------
    train, validation, test : array of int
        Trials; none is in two of them.

    Raises
    ------
    SpecError
        If one is empty, a number is negative, or a trial occurs twice.
    """

    train: Indices
    validation: Indices
    test: Indices

    def __post_init__(self) -> None:
        for name in PARTS:
            trials = whole_numbers(getattr(self, name), where=f"Split.{name}")
            if trials.ndim != 1 or not len(trials):
                raise SpecError("is not a list of trials, at least one", where=f"Split.{name}")
            if trials.min() < 0:
                raise SpecError(
                    f"there is no trial {trials.min()}; trials are counted from 0",
                    where=f"Split.{name}",
                )
            object.__setattr__(self, name, np.sort(trials))
        every = np.concatenate([getattr(self, name) for name in PARTS])
        trial, times = np.unique(every, return_counts=True)
        if times.max() > 1:
            twice = trial[times > 1]
            raise SpecError(
                f"trial {twice[0]} and {len(twice) - 1} more occur twice; a read-out is judged on"
                " what it has not seen",
                where="Split",
            )

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name} {len(getattr(self, name)):,}" for name in PARTS)
        return f"Split({sizes})"

    @classmethod
    def by_column(cls, recording: Recording, column: str = "part") -> Split:
        """The split that the trial table states: "train", "validation" and "test".

        Parameters
        ----------
        recording : Recording
        column : str
            Trials of other words are left out.

        Raises
        ------
        SpecError
            If there is no such column, or no trial of one of the words.
        """
        words = _column(recording, column, "Split.by_column")
        return cls(*(np.flatnonzero(words == name) for name in PARTS))

    @classmethod
    def stratified(
        cls, labels: NDArray[Any], *, validation: Number, test: Number, seed: int
    ) -> Split:
        """A random split with the same share of each label in all parts.

        Parameters
        ----------
        labels : array of shape (trials,)
        validation, test : float
            Shares of all trials.
        seed : int

        Raises
        ------
        SpecError
            If the shares leave nothing to learn from, or a label is too rare.
        """
        from sklearn.model_selection import train_test_split

        shares = [
            plain(share, "1", where=f"Split.stratified.{name}")
            for name, share in (("validation", validation), ("test", test))
        ]
        if min(shares) <= 0 or sum(shares) >= 1:
            raise SpecError(
                f"shares of {shares[0]:g} and {shares[1]:g} leave nothing for one part; both are"
                " above 0, and their sum is below 1",
                where="Split.stratified",
            )
        labels = np.asarray(labels)
        parts, rest = {}, np.arange(len(labels))
        for name, share in (("test", shares[1]), ("validation", shares[0])):
            number = round(share * len(labels))
            try:
                rest, parts[name] = train_test_split(
                    rest, test_size=number, stratify=labels[rest], random_state=seed
                )
            except ValueError as error:
                raise SpecError(str(error), where="Split.stratified") from None
        return cls(rest, parts["validation"], parts["test"])


@dataclass(frozen=True)
class Accuracy(Value):
    """Number of correctly classified trials.

    Parameters
    ----------
    correct, n : int

    Examples
    --------
    >>> Accuracy(9885, 10000)
    Accuracy(98.85 %, 95 % interval 98.62 to 99.04, n = 10000)
    """

    correct: int
    n: int

    @property
    def value(self) -> float:
        """Fraction of the trials."""
        return self.correct / self.n

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the fraction: Wilson 1927, J Am Stat Assoc 22:209."""
        from scipy.stats import binomtest

        found = binomtest(self.correct, self.n).proportion_ci(method="wilson")
        return float(found.low), float(found.high)

    def __repr__(self) -> str:
        low, high = (f"{100 * end:.2f}" for end in self.interval)
        return f"Accuracy({100 * self.value:.2f} %, 95 % interval {low} to {high}, n = {self.n})"


@dataclass(frozen=True, eq=False)
class ReadOut:
    """A classifier of features, and its accuracy on unseen trials.

    Parameters
    ----------
    chosen : str
        Name of the classifier that was best on the validation trials, the first of equals.
    validation : mapping of str to Accuracy
        Of every classifier, learned from the training trials.
    accuracy : Accuracy
        On the test trials, which were used once: by the chosen classifier, learned again from the
        training and the validation trials together.
    confusion : pandas.DataFrame
        Test trials: a row a label, a column what it was named.
    classifier : object
        The fitted classifier of scikit-learn.
    """

    chosen: str
    validation: Mapping[str, Accuracy]
    accuracy: Accuracy
    confusion: DataFrame
    classifier: Any

    def __repr__(self) -> str:
        return f"ReadOut({self.chosen}: {self.accuracy!r})"


def labels_of(recording: Recording, column: str = "label") -> NDArray[Any]:
    """Labels of all trials, from a column of the trial table.

    Parameters
    ----------
    recording : Recording
    column : str

    Returns
    -------
    numpy.ndarray
        Shape (trials,).

    Raises
    ------
    SpecError
        If there is no such column, or it has fewer than two labels.
    """
    labels = _column(recording, column, "labels_of")
    if len(np.unique(labels)) < 2:
        raise SpecError(f"column {column!r} has fewer than two labels", where="labels_of")
    return labels


def linear_classifiers(costs: Sequence[Number] = COSTS) -> dict[str, Any]:
    """Linear support vector machines, one for each cost.

    Parameters
    ----------
    costs : sequence of float

    Returns
    -------
    dict of str to sklearn.svm.LinearSVC
        Not fitted. Equal data give equal ones.
    """
    from sklearn.svm import LinearSVC

    found = {}
    for given in costs:
        cost = plain(given, "1", where="linear_classifiers.costs")
        if cost <= 0:
            raise SpecError(f"{cost:g} is not positive", where="linear_classifiers.costs")
        # The dual problem, which has the same solution, took a tenth of the time on 60,000 digits.
        machine = LinearSVC(C=cost, dual=True, random_state=0, max_iter=20_000)
        found[f"LinearSVC(C={cost:g})"] = machine
    return found


def read_out(
    features: csr_array | Annotated[NDArray[Any], In("1")],
    labels: NDArray[Any],
    split: Split,
    classifiers: Mapping[str, Any] | None = None,
) -> ReadOut:
    """Train classifiers of trials by their features, choose one, and test it.

    Parameters
    ----------
    features : scipy.sparse.csr_array or ndarray, shape (trials, features)
    labels : array of shape (trials,)
    split : Split
    classifiers : mapping of str to estimator, optional
        Of scikit-learn, not fitted; :func:`linear_classifiers` if not given. They are copied.

    Returns
    -------
    ReadOut

    Raises
    ------
    SpecError
        If labels are not one per trial, the split names a trial that is not there, or a classifier
        cannot learn from the trials for training, as where all have one label.
    """
    from pandas import DataFrame, Index
    from scipy.sparse import issparse
    from sklearn.base import clone
    from sklearn.metrics import confusion_matrix

    labels = np.asarray(labels)
    if not issparse(features):
        features = plain_array(features, "1", where="read_out.features")
    n_trials = features.shape[0]
    if labels.shape != (n_trials,):
        raise SpecError(
            f"labels of shape {labels.shape} for {n_trials} trials; give one per trial",
            where="read_out.labels",
        )
    if labels.dtype.kind == "f" and not np.isfinite(labels).all():
        raise SpecError(
            f"the label of trial {int(np.flatnonzero(~np.isfinite(labels))[0])} is not finite",
            where="read_out.labels",
        )
    last = max(int(getattr(split, name).max()) for name in PARTS)
    if last >= n_trials:
        raise SpecError(f"trial {last} is not there: there are {n_trials}", where="read_out.split")
    classifiers = linear_classifiers() if classifiers is None else classifiers
    if not classifiers:
        raise SpecError("there is no classifier", where="read_out.classifiers")

    def judged(fitted: Any, trials: Indices) -> tuple[Accuracy, NDArray[Any]]:
        named = fitted.predict(features[trials])
        return Accuracy(int((named == labels[trials]).sum()), len(trials)), named

    def learned(classifier: Any, trials: Indices) -> Any:
        try:
            return clone(classifier).fit(features[trials], labels[trials])
        except ValueError as error:
            said = f"the trials for training do not fit: {str(error).splitlines()[0]}"
            raise SpecError(said, where="read_out") from None

    tried = {}
    for name, classifier in classifiers.items():
        fitted = learned(classifier, split.train)
        tried[name], _ = judged(fitted, split.validation)
    chosen = max(tried, key=lambda name: tried[name].correct)
    known = np.sort(np.concatenate([split.train, split.validation]))
    final = learned(classifiers[chosen], known)
    accuracy, named = judged(final, split.test)
    words = np.unique(labels)
    table = DataFrame(
        confusion_matrix(labels[split.test], named, labels=words),
        index=Index(words, name="label"),
        columns=Index(words, name="named"),
    )
    return ReadOut(chosen, tried, accuracy, table, final)


def _column(recording: Recording, column: str, where: str) -> NDArray[Any]:
    if column not in recording.trials:
        said = hint(column, recording.trials)
        raise SpecError(f"no column {column!r}; {said}", where=where)
    return recording.trials[column]
