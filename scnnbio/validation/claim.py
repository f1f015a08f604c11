"""A claim: an observation, the trials it needs, a measure, and the rule that compares the two."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from scnnbio.errors import SpecError
from scnnbio.experiment import ClaimBinding
from scnnbio.validation.estimates import Estimate, median_of
from scnnbio.validation.evidence import Evidence, bind_as
from scnnbio.validation.likeness import check_alike
from scnnbio.validation.observation import Observation as Observation  # exported from here too
from scnnbio.validation.protocol import ANY, Missing, Protocol
from scnnbio.validation.scores import Score, Verdict
from scnnbio.values import Value

#: What a measure is computed from; a document has to bind the measure to it.
About = Literal["population", "populations", "projection", "network", "recording"]


@dataclass(frozen=True, eq=False)
class Measured:
    """Numbers of a model or a recording, one per cell, kernel or population.

    Parameters
    ----------
    values : array, shape (n,) or (n, quantities)
        No NaN; infinite where a value lies beyond every bin.
    excluded : mapping from reason to int
        Number of excluded values by reason.
    neurons : array of int, shape (n,), optional
        Unit, or map of a kernel, that each value belongs to; None where values belong to no
        single neuron.
    populations : tuple of str, optional
        Population that each value belongs to, where there are several.
    """

    values: NDArray[np.float64]
    excluded: Mapping[str, int] = field(default_factory=dict)
    neurons: NDArray[np.int64] | None = None
    populations: tuple[str, ...] | None = None


@dataclass(frozen=True, eq=False)
class Measure(Value, ABC):
    """A way to compute numbers from a run or a recording.

    A subclass declares what it measures (``about``), its name and unit. ``columns`` names the
    columns of its values where there are several quantities; ``(name, "low", "high")`` are an
    estimate and its 95 % interval.
    """

    name: ClassVar[str]
    unit: ClassVar[str] = "1"
    about: ClassVar[About] = "population"
    #: Whether a document can choose a window within the trial.
    windowed: ClassVar[bool] = False
    #: Names of the columns of the values, where there are several.
    columns: ClassVar[tuple[str, ...]] = ()
    #: Whether it needs :attr:`Evidence.kernel_measures`, which take so long that they begin early.
    fits: ClassVar[bool] = False

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in vars(self).items())})"

    @property
    def label(self) -> str:
        """Name in tables, with the parameters that differ from their defaults."""
        fields = [(f.default, getattr(self, f.name)) for f in dataclasses.fields(self)]
        return "_".join([self.name, *(str(value) for usual, value in fields if value != usual)])

    @abstractmethod
    def of(self, evidence: Evidence) -> Measured:
        """Measure the populations or the projection that the evidence is bound to.

        Raises
        ------
        Missing
            If the evidence lacks what the measure needs.
        """


@dataclass(frozen=True)
class Outcome:
    """Outcome of comparing measured values with an observation, or why they do not suffice.

    ``estimate`` is the model's number with its interval, ``published`` that of the observation;
    None takes the median of the values, and what the observation says.
    """

    value: float
    agrees: bool
    reason: str
    prediction: Mapping[str, Any]
    against: Mapping[str, Any] = field(default_factory=dict)
    sufficient: bool = True
    estimate: Estimate | None = None
    published: Estimate | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class Claim(Value, ABC):
    """Statement that neurons have a property of cortex, or agree with a closed form; to be tested.

    Parameters
    ----------
    name : str
    observation : Observation
    measure : Measure
    protocol : Protocol
        The trials that the claim needs; any by default.
    minimum : int
        With fewer values than these the verdict is ``"insufficient data"``.
    beside : tuple of Measure
        Further measures of the same data, which tables and captions report beside the claim.
    """

    name: str
    observation: Observation
    measure: Measure
    protocol: Protocol = ANY
    minimum: int = 20
    beside: tuple[Measure, ...] = ()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}: {self.observation!r})"

    @abstractmethod
    def compare(self, values: NDArray[np.float64]) -> Outcome:
        """Compare measured values with the observation."""

    def check(self, bound: ClaimBinding, where: str) -> None:
        """Raise a SpecError unless a document binds the claim to what it needs.

        Parameters
        ----------
        bound : ClaimBinding
        where : str
            Path of the claim in the document.
        """
        about, named = self.measure.about, bound.population
        if about == "projection" and not bound.projection:
            raise SpecError(f"{self.name!r} is about a kernel; add projection = ...", where=where)
        if about == "recording" and not bound.recording:
            raise SpecError(
                f"{self.name!r} is about a recording; add recording = ... and population = ...",
                where=where,
            )
        if about != "recording" and bound.recording:
            raise SpecError(
                f"{self.name!r} takes no recording; remove it", where=f"{where}.recording"
            )
        if about in ("population", "populations", "recording") and not named:
            raise SpecError(f"{self.name!r} is about spikes; add population = ...", where=where)
        if about in ("population", "recording") and len(named) > 1 and not bound.shares:
            raise SpecError(
                f"{self.name!r} is about one population, not {len(named)}; for a mixture, give"
                " their shares, as population = { simple = 0.4, complex = 0.6 }",
                where=f"{where}.population",
            )
        if bound.window is not None and not self.measure.windowed:
            raise SpecError(
                f"{self.name!r} takes no window; remove it",
                where=f"{where}.window",
            )
        single = self.measure.columns[1:] == ("low", "high")  # one estimate of all units
        if bound.shares and (about != "population" or single):
            raise SpecError(
                f"{self.name!r} takes no mixture of populations; name one",
                where=f"{where}.population",
            )

    def measured(self, evidence: Evidence, shares: tuple[float, ...] = ()) -> Measured:
        """Measure what the evidence is bound to, in trials of the protocol.

        Parameters
        ----------
        evidence : Evidence
        shares : tuple of float
            Shares of the populations in a mixture.

        Raises
        ------
        SpecError
            If the evidence lacks what is needed; :class:`Missing` in most cases.
        """
        shown = evidence.bind(protocol=self.protocol)
        if self.measure.about in ("population", "populations"):
            check_alike(shown.recording, self.observation.species, self.observation.state)
        if not shares:
            return self._defined(shown.measured(self.measure))
        parts = [self._defined(part.measured(self.measure)) for part in shown.each]
        return mixed(parts, shares, shown.populations)

    def _defined(self, found: Measured) -> Measured:
        """The values, none of which is NaN: NaN lies beyond no bound, and so would count as met."""
        quantities = tuple(range(1, found.values.ndim))
        if lost := int(np.isnan(found.values).any(axis=quantities).sum()):
            raise Missing(
                f"{self.measure.name} is undefined (NaN) for {lost} of {len(found.values)} values"
            )
        return found

    def judge(
        self,
        source: Any,
        *,
        population: str | Iterable[str] | None = None,
        projection: str | None = None,
        bound: ClaimBinding | None = None,
    ) -> Score:
        """Judge a run or a recording.

        Parameters
        ----------
        source : Run, Recording or Evidence
            Pass one Evidence to several claims to compute expensive measures only once.
        population : str or sequence of str, optional
            Population whose spikes are judged.
        projection : str, optional
            Projection whose kernel is judged.
        bound : ClaimBinding, optional
            Binding of a document, instead of the other two.

        Returns
        -------
        Score
        """
        evidence = source if isinstance(source, Evidence) else Evidence(source)
        if bound is not None:
            evidence = bind_as(evidence, bound)
        if population is not None:
            names = (population,) if isinstance(population, str) else tuple(population)
            evidence = evidence.bind(populations=names)
        if projection is not None:
            evidence = evidence.bind(projection=projection)
        bound = bound or ClaimBinding(
            self.name, "", evidence.populations, evidence.projection, window=evidence.window
        )
        try:
            measured = self.measured(evidence, bound.shares)
        except SpecError as error:
            # Missing, or the error of a measure: a population or a signal does not exist.
            return self.unjudged(str(error), bound)
        n = len(measured.values)
        if n < self.minimum:
            reason = f"{n} values remain, {self.minimum} are needed"
            return self._score("insufficient data", reason, bound, measured)
        outcome = self.compare(measured.values)
        if not outcome.sufficient:
            return self._score("insufficient data", outcome.reason, bound, measured)
        verdict: Verdict = "agrees" if outcome.agrees else "disagrees"
        if bound.used_for == "choice" and outcome.agrees:
            verdict = "chosen for"
        return self._score(verdict, outcome.reason, bound, measured, outcome)

    def unjudged(self, reason: str, bound: ClaimBinding) -> Score:
        """Score of a claim that cannot be judged, with the reason."""
        return self._score("not applicable", reason, bound)

    def _score(
        self,
        verdict: Verdict,
        reason: str,
        bound: ClaimBinding,
        measured: Measured | None = None,
        outcome: Outcome | None = None,
    ) -> Score:
        return Score(
            claim=self.name,
            value=None if outcome is None else outcome.value,
            prediction={} if outcome is None else outcome.prediction,
            observation=self.observation.describe() | dict(outcome.against if outcome else {}),
            verdict=verdict,
            reason=reason,
            n=0 if measured is None else len(measured.values),
            excluded={} if measured is None else measured.excluded,
            source=self.observation.source,
            stage=bound.stage,
            population=bound.population,
            projection=bound.projection,
            used_for=bound.used_for,
            **_estimates(self.observation, measured, outcome),
        )


def _estimates(
    seen: Observation, measured: Measured | None, outcome: Outcome | None
) -> dict[str, Mapping[str, Any]]:
    """The numbers of both sides with their intervals, for a score that has a value."""
    if measured is None or outcome is None:
        return {}
    ours, theirs = outcome.estimate, outcome.published or seen.estimate
    if ours is None and measured.values.ndim == 1:
        ours = median_of(measured.values)
    both = {"estimate": ours, "published": theirs}
    return {name: found.plain() for name, found in both.items() if found is not None}


def mixed(parts: Iterable[Measured], shares: Iterable[float], names: tuple[str, ...]) -> Measured:
    """Values of several populations, in the proportions of a recording that samples them by shares.

    Each population contributes its share of the largest sample that the shares allow;
    its values are drawn without repetition, with a fixed seed.

    Parameters
    ----------
    parts : iterable of Measured
    shares : iterable of float
        One per population; they sum to 1.
    names : tuple of str
        Names of the populations.

    Returns
    -------
    Measured
    """
    given, wanted = list(parts), np.asarray(list(shares), dtype=np.float64)
    numbers = np.array([len(part.values) for part in given])
    total = int(np.floor((numbers / wanted).min() + 1e-9))
    taken = np.floor(wanted * total + 1e-9).astype(np.int64)
    rng = np.random.default_rng(0)
    rows = [
        np.sort(rng.permutation(n)[:k])
        for n, k in zip(numbers.tolist(), taken.tolist(), strict=True)
    ]
    excluded: dict[str, int] = {}
    for part in given:
        for reason, number in part.excluded.items():
            excluded[reason] = excluded.get(reason, 0) + number
    beyond = int((numbers - taken).sum())
    whole = [
        np.arange(n) if p.neurons is None else p.neurons
        for n, p in zip(numbers, given, strict=True)
    ]
    return Measured(
        np.concatenate([part.values[kept] for part, kept in zip(given, rows, strict=True)]),
        excluded | {"more than their population's share": beyond},
        np.concatenate([units[kept] for units, kept in zip(whole, rows, strict=True)]),
        tuple(np.repeat(names, taken).tolist()),
    )
