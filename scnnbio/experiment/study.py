"""A study: a sequence of experiments, and the claims by which they are judged."""

from __future__ import annotations

import copy
import importlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from scnnbio._html import listed, section, table
from scnnbio.errors import SpecError, hint
from scnnbio.experiment import documents
from scnnbio.experiment.claims import ClaimBinding, claim_table, claims_from, locate_recordings
from scnnbio.experiment.documents import (
    Table,
    build,
    check_keys,
    join,
    plain_table,
    plain_value,
    require,
)
from scnnbio.experiment.experiment import Experiment, checked_seed
from scnnbio.experiment.gradient import GRADIENTS, read_gradient
from scnnbio.experiment.input_documents import (
    INPUT_KEYS,
    READERS,
    input_rows,
    input_tables,
    locate_all,
    over_base,
)
from scnnbio.experiment.inputs import Report
from scnnbio.experiment.networks import network_from, network_table
from scnnbio.experiment.record import Record, Sampling
from scnnbio.experiment.sources import Source, from_here
from scnnbio.experiment.stage import Stage
from scnnbio.experiment.weights import DocumentFolder, rename_file
from scnnbio.neurons.parsing import check_name
from scnnbio.stimuli.base import FileSkipped
from scnnbio.values import Value

#: Folder beside a written study, for the files that its document names.
_GIVEN = "given"

#: Keys of a document.
STUDY_KEYS = (
    "name", "title", "dt", "seed", "claims", "options", "network", "stages", "profiles"
)  # fmt: skip
#: Keys of a stage.
STAGE_KEYS = (
    "like", "network", *INPUT_KEYS, "record", "learning", "reset", "weights_from", "shuffled",
    "dt", "seed", "input_dt", "training",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Study(Value):
    """A sequence of experiments, and the claims by which they are judged.

    Parameters
    ----------
    name, title : str
    stages : tuple of Stage
    claims : tuple of ClaimBinding
        Claims, each bound to populations or a projection of a stage.
    seed : int
    document : mapping, optional
        The document of the study, with profile and settings applied.
    files : mapping of str to bytes, optional
        Contents of the files that the document names, by their names in it.
    described_by : tuple of Source
        The document and the files that it names, as read.

    Raises
    ------
    SpecError
        If two stages have one name, a stage starts from one that is not earlier, or a claim names
        a stage, population or projection that does not exist.
    """

    name: str
    stages: tuple[Stage, ...]
    title: str = ""
    claims: tuple[ClaimBinding, ...] = ()
    seed: int = 1
    document: Table = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    described_by: tuple[Source, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "stages", tuple(self.stages))
        object.__setattr__(self, "claims", tuple(self.claims))
        object.__setattr__(self, "seed", checked_seed(self.seed))
        check_name(self.name, "name", dashes=True)
        seen: dict[str, Stage] = {}
        for stage in self.stages:
            if stage.name in seen:
                raise SpecError(f"the name {stage.name!r} is used twice", where="stages")
            if stage.weights_from is not None:
                where = f"stages.{stage.name}.weights_from"
                source = documents.choose(seen, stage.weights_from, "earlier stage", where)
                if not source.experiment.learns:
                    raise SpecError(f"stage {source.name!r} learns nothing", where=where)
            seen[stage.name] = stage
        if not self.stages:
            raise SpecError("a study needs at least one stage", where="stages")
        self._check_claims(seen)

    def _check_claims(self, stages: Mapping[str, Stage]) -> None:
        for k, bound in enumerate(self.claims):
            where = f"claims[{k}]"
            stage = documents.choose(stages, bound.stage, "stage", join(where, "stage"))
            bound.check(stage.network, where)
            if bound in self.claims[:k]:
                raise SpecError(
                    f"{bound.claim!r} on {bound.about} is listed twice; remove one", where=where
                )

    def __repr__(self) -> str:
        return (
            f"Study({self.name!r}: stages {listed(s.name for s in self.stages)};"
            f" claims {listed(bound.claim for bound in self.claims)}; seed {self.seed})"
        )

    def _repr_html_(self) -> str:
        stages = (
            (s.name, e.duration, e.dt, e.seed, s.weights_from or "", listed(e.record.spikes))
            for s, e in zip(self.stages, self.experiments, strict=True)
        )
        head = ("stage", "duration (ms)", "dt (ms)", "seed", "weights from", "spikes of")
        networks = {s.network.digest(): s.network for s in self.stages}
        return section(
            f"Study {self.name!r}{': ' if self.title else ''}{self.title}",
            table(head, stages),
            _claims_html(self.claims),
            *(network._repr_html_() for network in networks.values()),
        )

    def canonical_fields(self) -> Table:
        """Content of the study, independent of the form of its document."""
        names = ("name", "title", "stages", "claims", "seed")
        return {name: getattr(self, name) for name in names}

    @property
    def experiments(self) -> tuple[Experiment, ...]:
        """The experiments of all stages, before learning."""
        return tuple(stage.experiment for stage in self.stages)

    @property
    def sources(self) -> tuple[Source, ...]:
        """Every file that describes the study or is shown by it, with the digest of its content.

        Raises
        ------
        DataError
            If a file that a stimulus shows is missing or cannot be read.
        """
        shown = {file for e in self.experiments for file in e.files.read}
        named = sorted({file for bound in self.claims for file in bound.files})
        return (
            *self.described_by,
            *(Source(*file, "stimulus") for file in sorted(shown)),
            *(Source.read(file, "recording") for file in named),
        )

    @property
    def skipped(self) -> tuple[FileSkipped, ...]:
        """Files and folders that stimuli skipped."""
        return tuple(sorted({file for e in self.experiments for file in e.files.skipped}))

    def run(
        self,
        backend: object = None,
        *,
        progress: bool | Report = True,
        options: Mapping[str, object] | None = None,
        jobs: int = 1,
    ) -> Any:
        """Run every stage and judge the claims; see :func:`scnnbio.run` for the arguments.

        Returns
        -------
        scnnbio.Results
        """
        # Imported by name when used, since the workflow depends on this module.
        front = importlib.import_module("scnnbio.running")
        return front.run(self, backend, progress=progress, options=options, jobs=jobs)

    def save(self, path: str | Path) -> None:
        """Write the study as TOML, from which :func:`~scnnbio.load` restores it.

        Files that its document names are copied into the folder ``given`` beside it.
        """
        path = Path(path)
        table = copy.deepcopy(self.document) or study_table(self)
        taken: set[str] = set()
        for name, content in self.files.items():
            base = PurePosixPath(name).name
            place = f"{_GIVEN}/{base}" if base not in taken else f"{_GIVEN}/{len(taken)}-{base}"
            taken.add(base)
            rename_file(table, name, place)
            documents.write_bytes(content, path.parent / place)
        documents.write(table, path)


def _claims_html(claims: tuple[ClaimBinding, ...]) -> str:
    rows = [(bound.claim, bound.about, bound.used_for) for bound in claims]
    return table(("claim", "on", "used for"), rows) if rows else ""


def study_from(
    document: Mapping[str, Any],
    *,
    profile: str | None = None,
    seed: int | None = None,
    settings: Iterable[str] = (),
    folder: Path | None = None,
    here: Path | None = None,
) -> Study:
    """Make a study from a document that is already in memory; see :func:`~scnnbio.load`.

    Parameters
    ----------
    document : mapping
        The tables and keys of a TOML document.
    profile : str, optional
        One of the document's profiles.
    seed : int, optional
        In place of the document's.
    settings : iterable of str
        Such as ``"network.parameters.maps=4"``.
    folder, here : pathlib.Path, optional
        At which relative paths of the document, and of settings, start; default: working folder.

    Returns
    -------
    Study

    Raises
    ------
    SpecError
        If the document is wrong; the message names the key.
    """
    table: Table = plain_value(documents.as_table(document, ""))
    check_keys(table, STUDY_KEYS, "")
    profiles = documents.as_table(table.pop("profiles", {}), "profiles")
    options = documents.as_table(table.get("options", {}), "options")
    changes: list[tuple[str, Any]] = []
    if profile is not None:
        chosen = documents.choose(profiles, profile, "profile", "profiles")
        changes += documents.as_table(chosen, join("profiles", profile)).items()
    known = [*options, *STUDY_KEYS]
    for key, value in map(documents.setting, settings):
        first = key.partition(".")[0]
        if key not in options and first not in STUDY_KEYS:
            raise SpecError(f"unknown key {first!r}; {hint(first, known)}", where="--set")
        changes.append((key, from_here(value, here)))
    for key, value in changes:
        documents.set_path(table, options.get(key, key), copy.deepcopy(value))
    if seed is not None:
        table["seed"] = seed
    check_keys(table, STUDY_KEYS, "")
    table["seed"] = checked_seed(table.get("seed", 1))
    rows = require(table, "stages", "")
    stages = _expanded(rows)
    for row in stages.values():
        locate_all(row, folder)
    # With their ``like``, so that a setting of a saved study reaches the stages that inherit it.
    table["stages"] = {name: _located(rows[name], row) for name, row in stages.items()}
    locate_recordings(table.get("claims"), folder)
    beside = DocumentFolder(folder)
    return Study(
        name=documents.as_text(require(table, "name", ""), "name"),
        stages=tuple(_stage(name, row, table, beside) for name, row in stages.items()),
        title=documents.as_text(table.get("title", ""), "title"),
        claims=claims_from(table.get("claims", [])),
        seed=table["seed"],
        document=table,
        files=beside.contents,
        described_by=tuple(beside.read_files),
    )


def _expanded(stages: Any) -> Table:
    """Stages with the keys that they inherit by ``like``."""
    full: Table = {}
    for name, row in documents.as_table(stages, "stages").items():
        check_name(name, "stages", dashes=True)
        where = join("stages", name)
        check_keys(row, STAGE_KEYS, where)
        own = {key: value for key, value in row.items() if key != "like"}
        if "like" in row:
            found = documents.choose(full, row["like"], "earlier stage", join(where, "like"))
            # Training is not for the stages that show what was learned.
            base = {key: value for key, value in found.items() if key != "training"}
            own = _merged(over_base(base, own), own)
        full[name] = own
    return full


def _located(row: Table, full: Mapping[str, Any]) -> Table:
    """A stage as it is written, with the absolute paths of the full one."""
    values = ((key, value, full.get(key, value)) for key, value in row.items())
    return {k: _located(one, two) if isinstance(one, dict) else two for k, one, two in values}


def _merged(base: Table, over: Table) -> Table:
    result = copy.deepcopy(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = _merged(result[key], value) if both else value
    return result


def _stage(name: str, row: Table, table: Table, folder: DocumentFolder) -> Stage:
    where = join("stages", name)
    described, path = require(table, "network", ""), "network"
    if "network" in row:
        # A stage can change parameters of the network, such as weaker competition in a test.
        path = join(where, "network")
        own = documents.as_table(row["network"], path)
        described = _merged(dict(documents.as_table(described, "network")), dict(own))
    seed = checked_seed(row.get("seed", table["seed"]))
    network = network_from(described, path, seed, folder)
    rest: Table = {**input_rows(row, where), "seed": seed}
    if "dt" in table:
        rest["dt"] = table["dt"]
    rest |= {
        key: row[key]
        for key in ("dt", "record", "learning", "reset", "input_dt", "training")
        if key in row
    }
    experiment = build(Experiment, rest, where, _READERS, network=network, stage=name)
    weights_from = row.get("weights_from")
    if weights_from is not None:
        documents.as_text(weights_from, join(where, "weights_from"))
    return Stage(experiment, network, weights_from, row.get("shuffled"))


def _record(table: Any, where: str) -> Record:
    return build(Record, table, where, {"signals": _samplings})


def _samplings(rows: Any, where: str) -> tuple[Sampling, ...]:
    return tuple(
        build(Sampling, row, f"{where}[{k}]")
        for k, row in enumerate(documents.as_list(rows, where))
    )


_READERS: dict[str, Callable[[Any, str], Any]] = {
    **READERS,
    "record": _record,
    "training": read_gradient,
}


def study_table(study: Study) -> Table:
    """Write a study as a document, with its networks described in full."""
    first = study.stages[0]
    table: Table = {
        "name": study.name,
        "title": study.title,
        "dt": first.experiment.dt,
        "seed": study.seed,
        "claims": [claim_table(bound) for bound in study.claims],
        "network": network_table(first.network),
        "stages": {stage.name: _stage_table(stage) for stage in study.stages},
    }
    for stage in study.stages:
        row = table["stages"][stage.name]
        if stage.network.digest() != first.network.digest():
            row["network"] = network_table(stage.network)
        for key in ("dt", "seed"):
            if getattr(stage.experiment, key) != table[key]:
                row[key] = getattr(stage.experiment, key)
    return table


def _stage_table(stage: Stage) -> Table:
    experiment = stage.experiment
    table: Table = {
        **input_tables(experiment.stimulus, experiment.encoding, experiment.inputs),
        "record": plain_table(experiment.record),
        "learning": experiment.learning,
        "reset": experiment.reset,
    }
    if experiment.input_dt is not None:
        table["input_dt"] = experiment.input_dt
    if experiment.training is not None:
        kind = {cls: kind for kind, cls in GRADIENTS.items()}[type(experiment.training)]
        table["training"] = {"kind": kind, **plain_table(experiment.training)}
    for key in ("weights_from", "shuffled"):
        if getattr(stage, key) is not None:
            table[key] = getattr(stage, key)
    return table
