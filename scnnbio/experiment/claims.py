"""Claims in a document: which claim, and the populations or projection of a stage to judge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from scnnbio.errors import SpecError
from scnnbio.experiment.documents import (
    Table,
    as_list,
    as_text,
    build,
    choose,
    join,
    plain_table,
)
from scnnbio.network import Network
from scnnbio.units import Number, Window, plain_array, plain_window
from scnnbio.values import Value


@dataclass(frozen=True)
class ClaimBinding(Value):
    """One claim of a study, bound to populations or a projection of a stage.

    Parameters
    ----------
    claim : str
        Name of the claim.
    stage : str
        Stage whose run is judged.
    population : str or tuple of str
        Populations whose neurons are measured.
    projection : str
        Projection whose kernel is measured.
    shares : tuple of float
        Share of each population where a claim is about a mixture, such as a recording of 40 %
        simple and 60 % complex cells; shares sum to 1. Empty without a mixture.
    window : (float, float), optional
        ms within the trial; by default the whole trial, or the claim's own window.
    beside : tuple of str
        Names of further measures for the table of measures.
    recording, columns, recorded : str
        Where a claim is about a recording: its file, that of the map of an NWB file's columns, and
        the population in it, such as an area; all units together by default.
    used_for : {"test", "choice"}
        ``"choice"`` means that parameters of the model were chosen by this claim: it then never
        counts as agreement.

    Raises
    ------
    SpecError
        If a name is missing, or the shares do not fit the populations.
    """

    claim: str
    stage: str
    population: tuple[str, ...] = ()
    projection: str = ""
    shares: tuple[Number, ...] = ()
    window: Window | None = None
    used_for: Literal["test", "choice"] = "test"
    beside: tuple[str, ...] = ()
    recording: str = ""
    columns: str = ""
    recorded: str = ""

    def __post_init__(self) -> None:
        names = (self.population,) if isinstance(self.population, str) else self.population
        object.__setattr__(self, "population", tuple(names))
        object.__setattr__(self, "beside", tuple(self.beside))
        shares = plain_array(self.shares, "1", where="claim.shares").ravel().tolist()
        object.__setattr__(self, "shares", tuple(shares))
        if self.window is not None:
            object.__setattr__(self, "window", plain_window(self.window, where="claim.window"))
        if self.used_for not in ("test", "choice"):
            raise SpecError(f'{self.used_for!r} is not "test" or "choice"', where="claim.used_for")
        if not self.recording and (self.columns or self.recorded):
            raise SpecError("'columns' and 'recorded' need a recording", where="claim.recording")
        if len(set(self.population)) < len(self.population):
            raise SpecError("a population is named twice", where="claim.population")
        if shares and (
            len(shares) != len(self.population) or min(shares) <= 0 or abs(sum(shares) - 1) > 1e-9
        ):
            raise SpecError(
                "give one share above 0 per population, which sum to 1", where="claim.shares"
            )

    def __repr__(self) -> str:
        return f"ClaimBinding({self.claim!r} on {self.about})"

    @property
    def files(self) -> tuple[str, ...]:
        """Files of the claim: a recording, and the map of its columns."""
        return tuple(filter(None, (self.recording, self.columns)))

    @property
    def about(self) -> str:
        """Stage, populations and projection, in a few words."""
        names = ", ".join((*self.population, *filter(None, [self.projection])))
        return f"{self.stage}: {names}" if names else self.stage

    def check(self, network: Network, where: str) -> None:
        """Raise a SpecError unless the network has the populations and the projection."""
        populations = {layer.name: layer for layer in network.populations}
        for name in self.population:
            choose(populations, name, "population", join(where, "population"))
        if self.projection:
            projections = {path.name: path for path in network.projections}
            choose(projections, self.projection, "projection", join(where, "projection"))


def claims_from(rows: Any, where: str = "claims") -> tuple[ClaimBinding, ...]:
    """Read the claims of a document.

    Parameters
    ----------
    rows : list of mapping
        Fields of :class:`ClaimBinding`. The population can be a text, a list of texts, or a table
        of shares by name.
    where : str

    Raises
    ------
    SpecError
        If a row does not bind its claim.
    """
    return tuple(_claim(row, f"{where}[{k}]") for k, row in enumerate(as_list(rows, where)))


def locate_recordings(rows: Any, folder: Path | None) -> None:
    """Make the paths in claims absolute; ignore invalid entries."""
    for row in rows if isinstance(rows, list) else ():
        for key in ("recording", "columns"):
            if isinstance(row, dict) and isinstance(row.get(key), str) and row[key]:
                row[key] = str((folder or Path()).absolute() / Path(row[key]).expanduser())


def _claim(row: Any, where: str) -> ClaimBinding:
    if isinstance(row, str):
        raise SpecError(
            f"{row!r} is not bound to a stage; write"
            f' {{ claim = "{row}", stage = "...", population = "..." }}, or with projection ='
            ' "..." for a claim on a kernel',
            where=where,
        )
    if not isinstance(row, Mapping):
        raise SpecError(f"{row!r} is not a table", where=where)
    given: Table = dict(row)
    named = given.get("population", ())
    if isinstance(named, Mapping):
        if "shares" in given:
            raise SpecError("the population has shares already", where=join(where, "shares"))
        given |= {"population": list(named), "shares": list(named.values())}
    elif not isinstance(named, str):
        place = join(where, "population")
        given["population"] = [as_text(name, place) for name in as_list(named, place)]
    if "beside" in given:
        place = join(where, "beside")
        given["beside"] = [as_text(name, place) for name in as_list(given["beside"], place)]
    return build(ClaimBinding, given, where)


def claim_table(bound: ClaimBinding) -> Table:
    """Write a bound claim as a table of a document."""
    table = plain_table(bound, skip=("shares",))
    if bound.shares:
        table["population"] = dict(zip(bound.population, bound.shares, strict=True))
    elif len(bound.population) == 1:
        table["population"] = bound.population[0]
    return table
