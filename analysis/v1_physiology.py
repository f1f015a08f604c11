"""Tables of the verdicts of v1_physiology, from the folders of finished runs.

python analysis/v1_physiology.py OUT [--claims DOCUMENT] circuit=DIR ... "white noise=DIR" ...

Runs named "circuit" are its seeds: the table has their mean and range. Other names are controls.
With a document the runs are judged by its claims, otherwise they keep the scores they have.
Writes OUT.md and OUT.csv; ``docs/background/v1_physiology.md`` says how the runs were made.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from scnnbio.analysis import Bootstrap, modulation_measures
from scnnbio.experiment import load
from scnnbio.recording import Recording, Spikes
from scnnbio.validation.scores import Score
from scnnbio.workflow import Results, judge, load_results

Runs = dict[str, list[Results]]
#: Verdicts of a claim that a run meets.
_MET = ("agrees", "chosen for")
_CIRCUIT, _CONTROL = "circuit", "white noise"
#: Gratings without onset.
_WINDOW = (100.0, 600.0)


def number(score: Score) -> float:
    """What a claim compares: a share or a median where it has one, or the verdict's value."""
    counts = score.prediction.get("counts") or ()
    if len(counts) == 2:  # a property that a cell has or lacks
        return counts[1] / sum(counts)
    found = score.prediction.get("fraction", score.prediction.get("median", score.value))
    if not isinstance(found, int | float):
        found = score.value
    return float("nan") if found is None else float(found)


def cell(scores: Sequence[Score]) -> str:
    """Mean and range of a number over seeds, and in how many of them the claim is met."""
    values = np.array([number(score) for score in scores])
    met = sum(score.verdict in _MET for score in scores)
    if np.isnan(values).all():
        return scores[0].verdict
    text = f"{np.nanmean(values):.3g}"
    if len(values) == 1:
        return f"{text}{' +' if met else ''}"
    return f"{text} ({np.nanmin(values):.3g} to {np.nanmax(values):.3g}), {met}/{len(values)}"


def published(score: Score) -> str:
    """The observation in a word."""
    seen = score.observation
    if seen.get("value") is not None:
        return f"{seen['value']:.3g}"
    if seen.get("counts") and seen.get("edges"):
        counts, edges = np.array(seen["counts"]), np.array(seen["edges"])
        if len(counts) == 2:
            return f"{counts[1] / counts.sum():.3g}"
        grown = np.concatenate([[0.0], np.cumsum(counts) / counts.sum()])
        return f"{np.interp(0.5, grown, edges):.3g}"
    return ""


def verdicts(runs: Runs) -> list[list[str]]:
    """One row per claim: its use, the published number, the circuit, each control, a remark."""
    names = [name for name in runs if name != _CIRCUIT]
    rows = [["claim", "on", "used for", "published", "circuit, met in", *names, "remark"]]
    for place, first in enumerate(runs[_CIRCUIT][0].scores):
        found = {name: [made.scores[place] for made in results] for name, results in runs.items()}
        if any(s.claim != first.claim for scores in found.values() for s in scores):
            raise SystemExit("the runs have different claims")
        controlled = any(s.verdict in _MET for s in found.get(_CONTROL, ()))
        remark = "tests the circuit: white noise passes too" if controlled else ""
        rows.append([
            first.claim, ", ".join(first.population), first.used_for, published(first),
            *(cell(found[name]) for name in (_CIRCUIT, *names)), remark,
        ])  # fmt: skip
    return rows


def similarities(runs: Runs) -> list[list[str]]:
    """Brain-Score's properties: similarity and score of each run, beside AlexNet's."""
    names = list(runs)
    rows = [["property", "used for", "AlexNet", "ceiling", *names, "seeds at or above AlexNet"]]
    for place, first in enumerate(runs[_CIRCUIT][0].scores):
        alexnet = first.observation.get("alexnet")
        if alexnet is None:
            continue
        row = [first.claim.removeprefix("brainscore_"), first.used_for, f"{alexnet:.3f}"]
        row.append(f"{first.observation['ceiling']:.3f}")
        above = 0
        for name in names:
            found = [made.scores[place] for made in runs[name]]
            raw = np.array([s.prediction.get("similarity", np.nan) for s in found], dtype=float)
            above = int((raw >= alexnet).sum()) if name == _CIRCUIT else above
            row.append("none" if np.isnan(raw).any() else f"{raw.mean():.3f}")
        rows.append([*row, str(above)])
    return rows


def modulations(results: Results) -> dict[str, tuple[float, int]]:
    """Share of simple cells with F1/F0 above 1, of complex ones below, and their numbers."""
    recording = results.runs["orientation"].recording
    kept = np.flatnonzero(recording.trials["contrast"] > 0)
    found = {}
    for name, sign in (("simple", 1), ("complex", -1)):
        maps, rows, columns = recording.shapes[name]
        place = np.full(maps * rows * columns, -1)
        place[np.arange(maps) * rows * columns + rows // 2 * columns + columns // 2] = range(maps)
        spikes = recording.spikes_of(name)
        own = place[spikes.unit] >= 0
        central = Spikes(spikes.time[own], place[spikes.unit[own]], spikes.trial[own])
        shown = Recording({name: central}, {name: (maps, 1, 1)}, recording.trials).take(kept)
        how = Bootstrap(draws=0)
        made = modulation_measures(shown, name, window=_WINDOW, bootstrap=how)
        ratio, rate = (np.asarray(made[key].value) for key in ("modulation_ratio", "f0"))
        fires = rate >= 1.0
        found[name] = (float((sign * (ratio[fires] - 1.0) > 0).mean()), int(fires.sum()))
    return found


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """A table."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], "|" + " --- |" * len(rows[0]), *lines[1:]])


def loaded(folder: Path, document: Path | None) -> Results:
    """A finished run with its scores, or with those of the claims of a document."""
    results = load_results(folder)
    if document is None:
        return results
    study = dataclasses.replace(results.study, claims=load(document).claims)
    return judge(dataclasses.replace(results, study=study))


def main(out: Path, named: Sequence[str], document: Path | None = None) -> None:
    """Read the runs, write the tables, print the counts."""
    runs: Runs = {}
    for text in named:
        name, _, folder = text.partition("=")
        runs.setdefault(name, []).append(loaded(Path(folder), document))
    rows = verdicts(runs)
    shares = [["cells", "met by", "of cells that fire"]]
    for made in runs[_CIRCUIT]:
        for name, (share, n) in modulations(made).items():
            side = "above" if name == "simple" else "below"
            shares.append([f"{name}: F1/F0 {side} 1", f"{share:.2f}", str(n)])
    tables = (rows, similarities(runs), shares)
    out.with_suffix(".md").write_text("\n\n".join(map(markdown, tables)) + "\n")
    with out.with_suffix(".csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    for made in runs[_CIRCUIT]:
        counted = Counter((s.used_for, s.verdict) for s in made.scores)
        print(f"seed {made.study.seed}: {dict(counted)}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("runs", nargs="+", metavar="NAME=DIR")
    parser.add_argument("--claims", type=Path)
    given = parser.parse_args()
    main(given.out, given.runs, given.claims)
