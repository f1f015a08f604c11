"""Draw the figures of a run into its folder, over processes, and only those that changed."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, final

from scnnbio.digests import update_digests
from scnnbio.experiment import Report, Run, Study
from scnnbio.figures import registry
from scnnbio.figures.drawn import FOLDER, known_figures, write_record
from scnnbio.figures.learning_table import learning_tables
from scnnbio.figures.report import render_report
from scnnbio.figures.saving import Saved, save, save_drawn
from scnnbio.figures.spec import StudyResults
from scnnbio.jobs import Crew, Packed, Task


class RunResults(StudyResults, Protocol):
    """Results of a run, as its report tells them."""

    @property
    def study(self) -> Study:
        """What was run."""

    @property
    def runs(self) -> Mapping[str, Run]:
        """By stage."""

    @property
    def provenance(self) -> Mapping[str, Any]:
        """Provenance of every stage, and totals."""


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class Drawing(Task):
    """A figure that is drawn and saved.

    Parameters
    ----------
    results : Results
    figure : str
        Its name.
    folder : Path
        Folder for its files.
    """

    results: Any
    figure: str
    folder: Path

    @property
    def about(self) -> str:
        """The figure. See :attr:`Task.about`."""
        return f"figure {self.figure!r}"

    def perform(self, report: Report) -> Saved | str:
        """Draw and save it, or say why it is left out. See :meth:`Task.perform`."""
        return drawn(self.results, self.figure, self.folder)


def drawn(results: StudyResults, name: str, folder: Path) -> Saved | str:
    """Draw and save a figure, or say why it is left out."""
    made = registry.draw_or_say(name, results)
    return made if isinstance(made, str) else save_drawn(made, folder)


def draw(
    results: RunResults,
    folder: Path,
    *,
    only: str | None = None,
    report: Report | None = None,
    jobs: int = 1,
    meanwhile: Callable[[], None] | None = None,
) -> list[Path]:
    """Draw figures into a run's folder: see :func:`scnnbio.workflow.draw`.

    Parameters
    ----------
    results : RunResults
    folder : Path
    only : str, optional
    report : callable, optional
    jobs : int
    meanwhile : callable, optional

    Returns
    -------
    list of Path
    """
    place = folder / FOLDER
    if only is not None:
        files = list(save(registry.draw(only, results).figure, place, only))
        update_digests(folder, files)
        return files
    known = known_figures(folder)
    names = registry.names_for(results)
    missing = [name for name in names if name not in known]
    found = dict(known)
    for done, (name, one) in enumerate(_drawn(results, missing, place, jobs, meanwhile), start=1):
        found[name] = one
        if report is not None:
            report("drawing figures", done, len(missing))
    made = [(name, found[name]) for name in names]
    saved = [one for _, one in made if not isinstance(one, str)]
    left_out = {name: one for name, one in made if isinstance(one, str)}
    page = folder / "report.html"
    render_report(
        page,
        title=results.study.title or results.study.name,
        scores=results.scores,
        provenance=results.provenance,
        figures={one.name: one.picture for one in saved},
        tables=learning_tables(results.runs),
        left_out=left_out,
    )
    record = write_record(folder, saved, left_out)
    written = [file for one in saved for file in one.files]
    update_digests(folder, [*written, page, record])
    return [*written, page]


def _drawn(
    results: RunResults,
    names: Sequence[str],
    folder: Path,
    jobs: int,
    meanwhile: Callable[[], None] | None,
) -> Iterator[tuple[str, Saved | str]]:
    """Draw and save figures, in any order."""
    packed = _packed(results) if jobs > 1 and len(names) > 1 else None
    if packed is None:
        if meanwhile is not None:
            meanwhile()
        for name in names:
            yield name, drawn(results, name, folder)
        return
    waiting: list[Task] = [Drawing(results=packed, figure=one, folder=folder) for one in names]
    with packed, Crew(jobs, meanwhile=meanwhile) as crew:
        while waiting or crew.busy:
            crew.start_from(waiting)
            task, found = crew.wait()
            if isinstance(task, Drawing):
                yield task.figure, found


def _packed(results: RunResults) -> Packed | None:
    """The results for processes, with all that claims have computed; None if they cannot be sent.

    A measure of another package may keep what pickle does not know; figures are then drawn here.
    """
    try:
        return Packed(results)
    except (pickle.PicklingError, AttributeError, TypeError):
        return None
