"""What ``scnnbio score`` judges: runs and recordings, and the claims that they are held against."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from scnnbio import workflow
from scnnbio.cli.terminal import progress
from scnnbio.errors import SpecError, hint
from scnnbio.experiment import ClaimBinding
from scnnbio.recording.opening import open_recordings
from scnnbio.validation import CLAIMS, Evidence
from scnnbio.validation.evidence import Target
from scnnbio.validation.groups import claims_named
from scnnbio.validation.side_by_side import SideBySide, side_by_side, values_of

_BY = ("area", "session")


class Wanted(NamedTuple):
    """What was asked of files."""

    claims: str | None
    population: str | None
    columns: Path | None
    by: str


class Subject(NamedTuple):
    """A run or a recording, and what claims are about in it."""

    place: Path
    is_run: bool
    evidence: dict[str, Evidence]
    bound: tuple[ClaimBinding, ...]
    notes: tuple[str, ...] = ()

    def seen(self, bound: ClaimBinding) -> Evidence:
        """What a claim is about: the run of a stage, or the recording of a population."""
        return self.evidence[bound.stage if self.is_run else bound.population[0]]


def judged_at(places: Sequence[Path], wanted: Wanted) -> tuple[Subject, ...]:
    """What is at each place; a file beside a run without named claims is judged by the run's.

    Raises
    ------
    SpecError
        If no claims are named, or there are several populations and none is chosen.
    """
    if wanted.by not in _BY:
        raise SpecError(f"{wanted.by!r} is not one of {', '.join(_BY)}", where="--by")
    runs = {place: _run(place, wanted) for place in places if os.path.isdir(place)}
    names = [name.strip() for name in (wanted.claims or "").split(",") if name.strip()]
    if not names:
        # Of a run beside the file: what it claims of one population of neurons.
        bound = [b for run in runs.values() for b in run.bound]
        known = [b.claim for b in bound if CLAIMS[b.claim].measure.about == "population"]
        names = list(dict.fromkeys(known))
    return tuple(runs.get(place) or _file(place, names, wanted) for place in places)


def alone(judged: Subject) -> list[SideBySide]:
    """What a place is judged by, as :func:`pairs` gives it for two."""
    found = []
    for b in judged.bound:
        claim, seen = CLAIMS[b.claim], judged.seen(b)
        found.append(
            SideBySide(claim.judge(seen, bound=b), None, values=(values_of(claim, seen, b),))
        )
    return found


def pairs(one: Subject, other: Subject) -> list[SideBySide]:
    """Each claim that both sides have, on what it is about in each.

    Two runs are matched by stage, population and projection too, and two files that share a
    population by that; a run and a file by the claim alone.

    Raises
    ------
    SpecError
        If no claim is on both sides.
    """
    shared = {b.population for b in one.bound} & {b.population for b in other.bound}

    def key(bound: ClaimBinding) -> tuple[object, ...]:
        if one.is_run and other.is_run:
            return bound.claim, bound.stage, bound.population, bound.projection
        if not (one.is_run or other.is_run) and shared:
            return bound.claim, bound.population
        return (bound.claim,)

    found = [
        _pair(one, ours, other, theirs)
        for ours in one.bound
        for theirs in other.bound
        if key(ours) == key(theirs)
        or (_predicts(ours) and _predicts(theirs) and not ours.recording)
    ]
    if not found:
        raise SpecError(
            "no claim is about both; name claims with --claims", where=f"{one.place} {other.place}"
        )
    return found


def _predicts(bound: ClaimBinding) -> bool:
    """Whether a claim is about two at once: what the first tells of the second."""
    return CLAIMS[bound.claim].measure.about == "recording"


def _pair(one: Subject, ours: ClaimBinding, other: Subject, theirs: ClaimBinding) -> SideBySide:
    claim = CLAIMS[ours.claim]
    if _predicts(ours) and not ours.recording:
        seen = other.seen(theirs)
        target = Target(seen.recording, theirs.population[0])
        evidence = one.seen(ours).bind(predicted=target)
        about = f"predicts {', '.join(theirs.population)}"
        score, values = claim.judge(evidence, bound=ours), values_of(claim, evidence, ours)
        return SideBySide(score, None, about=about, values=(values,))
    return side_by_side(claim, (one.seen(ours), ours), (other.seen(theirs), theirs))


def _run(folder: Path, wanted: Wanted) -> Subject:
    """A run with its document's claims, or with those that are named."""
    with progress() as report:
        results = workflow.load_results(folder, report)
    bound = tuple(b for b in results.study.claims if b.stage in results.evidence)
    if wanted.claims:
        named = {c.name for c in claims_named(_words(wanted.claims), "--claims")}
        own = tuple(b for b in bound if b.claim in named)
        bound = own + _bound_elsewhere(bound, named - {b.claim for b in own})
    return Subject(folder, True, dict(results.evidence), bound)


def _bound_elsewhere(bound: Sequence[ClaimBinding], names: set[str]) -> tuple[ClaimBinding, ...]:
    """Claims that a document does not name, on the populations that its claims are about."""
    about = dict.fromkeys(
        (b.stage, b.population, b.shares, b.window)
        for b in bound
        if CLAIMS[b.claim].measure.about == "population"
    )
    return tuple(
        ClaimBinding(name, stage, population, shares=shares)
        for name in sorted(names)
        for stage, population, shares, _ in about
        if CLAIMS[name].measure.about in ("population", "recording")
    )


def _file(file: Path, names: Sequence[str], wanted: Wanted) -> Subject:
    """A recording with the claims that are named, on each population that is judged."""
    claims = claims_named(names, "--claims")
    if not claims:
        raise SpecError(
            "name the claims to judge it by, as in --claims fano_factor,isi_cv or --claims v1",
            where=str(file),
        )
    recordings, notes = open_recordings(
        file, wanted.columns, by="session" if wanted.by == "session" else "area"
    )
    chosen = _words(wanted.population) if wanted.population else list(recordings)
    if len(chosen) != 1 and file.suffix != ".nwb" and not wanted.population:
        held = ", ".join(recordings) or "none"
        raise SpecError(f"name one with --population: there are {held}", where=str(file))
    for name in chosen:
        if name not in recordings:
            raise SpecError(f"no population {name!r}; {hint(name, recordings)}", where=str(file))
    bound = tuple(ClaimBinding(c.name, "", (name,)) for name in chosen for c in claims)
    evidence = {name: Evidence(recordings[name]) for name in chosen}
    return Subject(file, False, evidence, bound, notes)


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]
