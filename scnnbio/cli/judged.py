"""The report of recordings, or of two places, that were judged claim by claim."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Container, Sequence
from pathlib import Path

from scnnbio.experiment import Report
from scnnbio.validation import CLAIMS
from scnnbio.validation.side_by_side import SideBySide
from scnnbio.workflow.folder import new_folder, write_json

#: File by which a folder of this kind is known.
MARKER = "scores.json"


def write_judged(
    folder: Path,
    pairs: Sequence[SideBySide],
    places: Sequence[Path],
    *,
    replace: bool = False,
    report: Report | None = None,
) -> None:
    """Write scores, a figure per claim that has a value, and the page that shows them.

    Parameters
    ----------
    folder : Path
    pairs : sequence of SideBySide
        Judged claims; of one place, pairs without another score.
    places : sequence of Path
        What was judged, one or two.
    replace : bool
        Replace an older report.
    report : callable, optional

    Raises
    ------
    DataError
        If the folder exists or cannot be written.
    """
    from scnnbio import figures  # only this needs matplotlib

    with new_folder(folder, replace=replace, marker=MARKER) as draft:
        names = [place.stem for place in places]
        labels = names if len(set(names)) == len(names) else [str(place) for place in places]
        drawn: list[figures.Drawn] = []
        often = Counter(pair.one.claim for pair in pairs)
        for done, pair in enumerate(pairs, start=1):
            if one := figures.drawn_pair(pair, labels, often[pair.one.claim] > 1):
                name = _name_of(one.name, pair, {other.name for other in drawn})
                drawn.append(dataclasses.replace(one, name=name))
            if report is not None:
                report("drawing figures", done, len(pairs))
        _, pictures = figures.save_all(drawn, draft / "figures")
        scores = [score for pair in pairs for score in (pair.one, pair.other) if score is not None]
        write_json(draft / MARKER, [score.to_dict() for score in scores])
        rows = [
            (pair.one.claim, pair.one.about, pair.about or (pair.other.about if pair.other else ""),
             pair.distance, pair.p, pair.reason)
            for pair in pairs
        ]  # fmt: skip
        compared = figures.Table(
            "Side by side", ("claim", labels[0], labels[-1], "distance", "p", "why"), rows,
            "Distance: of Kolmogorov and Smirnov, of the values of units; p values are not"
            " corrected for their number.",
        )  # fmt: skip
        figures.render_report(
            draft / "report.html",
            title=f"Claims on {' and '.join(labels)}",
            scores=scores,
            provenance={"judged": [str(place.absolute()) for place in places],
                        "claims": len({CLAIMS[s.claim].name for s in scores})},
            figures=pictures,
            tables=[compared] if len(places) > 1 else [],
        )  # fmt: skip


def _name_of(name: str, pair: SideBySide, taken: Container[str]) -> str:
    """Name of a figure that no other one has: one population can have a pair with several."""
    if name in taken and pair.other is not None:
        words = "_".join(filter(None, (*pair.other.population, pair.other.projection)))
        name += "_" + re.sub(r"[^A-Za-z0-9_-]", "-", words)
    while name in taken:
        name += "_"
    return name
