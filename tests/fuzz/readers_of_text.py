"""Readers and parsers of texts and documents."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any
from unittest import mock

from scnnbio.errors import SpecError
from tests.fuzz import mutations
from tests.fuzz.reader import ROOT, Reader, any_of, text_of, texts_in

# ----------------------------------------------------------------------------- equations and texts


def _equations(folder: Path) -> list[Path]:
    """A file per neuron of the library, named after it."""
    from scnnbio.neurons import LIBRARY

    for name, model in LIBRARY.items():
        parts = (model.equations, model.threshold, model.reset)
        (folder / name).write_bytes("\f".join(parts).encode())
    return sorted(folder.iterdir())


def _read_equations(path: Path) -> None:
    from scnnbio.neurons import LIBRARY
    from scnnbio.neurons.integrator import integrator

    names = ("equations", "threshold", "reset")
    parts = [*text_of(path).split("\f"), "", ""][:3]
    known = LIBRARY[path.name.removeprefix("hostile_")]
    integrator(dataclasses.replace(known, **dict(zip(names, parts, strict=True))))


_RULES = (
    "x pre 17 ms\f-a_minus*y\fa_plus*x",
    "x pre 17\f-a_minus*exp(-w)*y\fa_plus*x*(w_max - w)**2",
    "y post 34\f\fclip(w, w_min, w_max)*int(y > 0.5)",
)


def _read_rule(path: Path) -> None:
    from scnnbio.plasticity import Trace, TraceRule

    head, pre, post = [*text_of(path).split("\f"), "", ""][:3]
    name, kind, tau = [*head.split(maxsplit=2), "", "", ""][:3]
    traces = {name: Trace(kind, tau), "x": Trace("pre", 17.0), "y": Trace("post", 34.0)}
    TraceRule(traces=traces, on_pre=pre, on_post=post, parameters={"a_plus": 0.1, "a_minus": 0.1})


_SETTINGS = (
    "stages.learn.stimulus.n_trials=20", 'a="5 ms"', "a=1,2,3", "window=[1, 2],[3, 4]",
    "x = { kind = 'normal', mean = '20 ms', sd = 0.1 }", "nest:threads=2,test=brian2", "20 mV",
    "1.5e-3 nS",
)  # fmt: skip


def _read_setting(path: Path) -> None:
    from scnnbio.backends.choices import by_stage
    from scnnbio.experiment.documents import setting
    from scnnbio.sweep.grid import grid_of
    from scnnbio.units import plain

    text = text_of(path)
    any_of(
        lambda: setting(text),
        lambda: grid_of([text]),
        lambda: by_stage(text, ["learn", "test"]),
        lambda: plain(text, "mV"),
        lambda: plain(text, "nS"),
    )


# ---------------------------------------------------------------------------------------- documents


def _documents(folder: Path) -> list[Path]:
    for file in (ROOT / "experiments").glob("*.*"):
        shutil.copy(file, folder / file.name)
    return sorted(folder.glob("*.toml"))


#: Values that a document may draw for one parameter here, and connections of a projection. One that
#: asks for hundreds of millions gets their memory and time (docs/background/security.md): no fault
#: of the reader.
_MOST_DRAWN, _MOST_CONNECTIONS = 2**22, 2**20


def _read_document(path: Path) -> None:
    from scnnbio.connectors.listed import FixedProbability
    from scnnbio.distributions import Distribution
    from scnnbio.experiment import load

    draw, draw_edges = Distribution.draw, FixedProbability.draw

    def limited(self: Distribution, count: int, unit: str, name: str, where: str) -> Any:
        if count > _MOST_DRAWN:
            raise SpecError(f"{count:,} values to draw", where=where)
        return draw(self, count, unit, name, where)

    def few(self: FixedProbability, n_pre: int, n_post: int) -> Any:
        if n_pre * n_post * float(self.probability) > _MOST_CONNECTIONS:
            raise SpecError(f"{n_pre:,} x {n_post:,} pairs to draw", where="edges")
        return draw_edges(self, n_pre, n_post)

    with (
        mock.patch.object(Distribution, "draw", limited),
        mock.patch.object(FixedProbability, "draw", few),
    ):
        load(path, profile="tiny" if b"[profiles.tiny]" in path.read_bytes() else None)


def _inline(folder: Path) -> list[Path]:
    """Documents that hold their network, which is small; saved as a run saves its document."""
    from tests.experiment.small import study

    study().save(folder / "valid.toml")
    return [folder / "valid.toml"]


def _column_map(folder: Path) -> list[Path]:
    return texts_in(
        folder,
        [
            'layout = "allen"\n[trials]\nduration = "2 s"\n',
            'species = "mouse"\n[trials]\ntable = "trials"\nblank = "null"\n[trials.columns]\n'
            'orientation = "angle"\ncontrast = { from = "c", times = 0.01 }\n'
            '[trials.constants]\nspatial_frequency = 0.04\n[units]\narea = "location"\n'
            'v1 = ["VISp"]\n[units.only]\nquality = "good"\n',
        ],
        ".toml",
    )


def _read_column_map(path: Path) -> None:
    from scnnbio.recording.column_maps import ColumnMap

    ColumnMap.load(path)


def _energies(folder: Path) -> list[Path]:
    table = ROOT / "scnnbio" / "analysis" / "energy.toml"
    return [Path(shutil.copy(table, folder / "energy.toml"))]


def _read_energies(path: Path) -> None:
    from scnnbio.analysis.energy import machines

    machines(path)


def _sweep(folder: Path) -> list[Path]:
    from scnnbio.sweep import Plan
    from tests.experiment.small import study

    Plan.write(study(), folder / "plan", grid=["dt=0.25,0.5"], seeds=2, backend="reference")
    return [Path(shutil.copy(folder / "plan" / "sweep.toml", folder / "sweep.toml"))]


def _read_sweep(path: Path) -> None:
    from scnnbio.sweep import Plan

    folder = path.parent / "as_sweep"
    folder.mkdir(exist_ok=True)
    shutil.copy(path, folder / "sweep.toml")
    plan = Plan.read(folder)
    for number, point in enumerate(plan.points()):
        point.status()
        if number > 20:
            break


OF_TEXT = (
    Reader("equations", _equations, _read_equations, mutations.of_text),
    Reader(
        "learning rules",
        lambda folder: texts_in(folder, _RULES),
        _read_rule,
        mutations.of_text,
    ),
    Reader(
        "settings and units",
        lambda folder: texts_in(folder, _SETTINGS),
        _read_setting,
        mutations.of_text,
    ),
    Reader("documents", _documents, _read_document, mutations.of_toml),
    Reader("stored documents", _inline, _read_document, mutations.of_toml),
    Reader("column maps", _column_map, _read_column_map, mutations.of_toml),
    Reader("energy tables", _energies, _read_energies, mutations.of_toml),
    Reader("sweeps", _sweep, _read_sweep, mutations.of_toml),
)
