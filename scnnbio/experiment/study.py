"""A study: experiments one after another, and the claims to judge them by, as one document."""

from __future__ import annotations

import copy
import dataclasses
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scnnbio.encoding import LGN, Encoding, LatencyCode, PoissonCode
from scnnbio.errors import SpecError
from scnnbio.experiment import documents
from scnnbio.experiment.documents import (
    Table,
    build,
    by_kind,
    check_keys,
    join,
    plain_table,
    require,
)
from scnnbio.experiment.experiment import Experiment, Record, Run, Sampling
from scnnbio.experiment.networks import network_from, network_table
from scnnbio.network import Network
from scnnbio.stimuli import Gratings, Photographs, Stimulus, WhiteNoise

STIMULI: dict[str, type[Stimulus]] = {
    "photographs": Photographs,
    "gratings": Gratings,
    "white-noise": WhiteNoise,
}
CODES = {"latency": LatencyCode, "poisson": PoissonCode}

_STUDY_KEYS = (
    "name", "title", "dt", "seed", "claims", "options", "network", "stages", "profiles"
)  # fmt: skip
_STAGE_KEYS = (
    "like", "network", "stimulus", "encoding", "record", "learning", "reset", "weights_from"
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Stage:
    """One experiment of a study.

    Parameters
    ----------
    experiment : Experiment
        Its ``stage`` is the stage's name.
    network : Network
        As it is before any learning.
    weights_from : str, optional
        An earlier stage whose learned kernels and thresholds this one starts from.
    """

    experiment: Experiment
    network: Network
    weights_from: str | None = None

    @property
    def name(self) -> str:
        """Name of the stage."""
        return self.experiment.stage

    def ready(self, runs: Mapping[str, Run]) -> Experiment:
        """The experiment, with the weights that earlier stages learned."""
        if self.weights_from is None:
            return self.experiment
        learned = self.network.with_weights(runs[self.weights_from].weights)
        return dataclasses.replace(self.experiment, network=learned)


@dataclass(frozen=True, eq=False)
class Study:
    """Experiments one after another, and the claims to judge them by.

    Parameters
    ----------
    name, title : str
    stages : tuple of Stage
    claims : tuple of str
        Names of claims.
    seed : int
    document : mapping, optional
        The document that the study came from, profile and settings applied.

    Raises
    ------
    SpecError
        If stages repeat a name or start from one that does not come before them.
    """

    name: str
    stages: tuple[Stage, ...]
    title: str = ""
    claims: tuple[str, ...] = ()
    seed: int = 1
    document: Table = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "stages", tuple(self.stages))
        seen: set[str] = set()
        for stage in self.stages:
            if stage.name in seen:
                raise SpecError(f"the name {stage.name!r} is used twice", where="stages")
            if stage.weights_from is not None and stage.weights_from not in seen:
                raise SpecError(
                    f"{stage.weights_from!r} is not a stage before this one",
                    where=f"stages.{stage.name}.weights_from",
                )
            seen.add(stage.name)
        if not self.stages:
            raise SpecError("a study needs at least one stage", where="stages")

    @property
    def experiments(self) -> tuple[Experiment, ...]:
        """The experiments of all stages, before learning."""
        return tuple(stage.experiment for stage in self.stages)

    def save(self, path: Path) -> None:
        """Write the study as TOML, so that :func:`load` gives it back."""
        documents.write(self.document or study_table(self), path)


def load(
    path: str | Path,
    *,
    profile: str | None = None,
    seed: int | None = None,
    settings: Iterable[str] = (),
) -> Study:
    """A study from a TOML file.

    Parameters
    ----------
    path : str or Path
    profile : str, optional
        One of the document's ``profiles``, whose settings are applied first.
    seed : int, optional
        Instead of the document's.
    settings : iterable of str
        ``"key=value"``: a dotted path into the document, or one of its ``options``; the value is
        read as TOML, and as text where it is not TOML.

    Returns
    -------
    Study

    Raises
    ------
    DataError
        If the file cannot be read.
    SpecError
        If it is not a study; the message holds the path into the document.
    """
    return study_from(documents.read(Path(path)), profile=profile, seed=seed, settings=settings)


def study_from(
    document: Mapping[str, Any],
    *,
    profile: str | None = None,
    seed: int | None = None,
    settings: Iterable[str] = (),
) -> Study:
    """A study from a document that was read already; see :func:`load`."""
    table = copy.deepcopy(dict(document))
    check_keys(table, _STUDY_KEYS, "")
    profiles, options = table.pop("profiles", {}), table.get("options", {})
    if profile is not None:
        if profile not in profiles:
            raise SpecError(
                f"there is no profile {profile!r}; there are {', '.join(profiles) or 'none'}",
                where="profiles",
            )
        for key, value in profiles[profile].items():
            documents.set_path(table, options.get(key, key), value)
    for setting in settings:
        key, value = _setting(setting)
        documents.set_path(table, options.get(key, key), value)
    if seed is not None:
        table["seed"] = seed
    check_keys(table, _STUDY_KEYS, "")
    chosen = table.setdefault("seed", 1)
    if isinstance(chosen, bool) or not isinstance(chosen, int) or chosen < 0:
        raise SpecError(f"{chosen!r} is not a whole number from 0 up", where="seed")
    table["stages"] = _expanded(require(table, "stages", ""))
    stages = tuple(
        _stage(name, row, table, join("stages", name)) for name, row in table["stages"].items()
    )
    return Study(
        name=require(table, "name", ""),
        stages=stages,
        title=table.get("title", ""),
        claims=tuple(table.get("claims", ())),
        seed=table["seed"],
        document=table,
    )


def _setting(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise SpecError(f"{text!r} is not a setting; write key=value", where="--set")
    try:
        return key.strip(), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return key.strip(), value.strip()


def _expanded(stages: Any) -> Table:
    """Stages with what they take over from the stage they are ``like``."""
    check_keys(stages, stages, "stages")
    full: Table = {}
    for name, row in stages.items():
        where = join("stages", name)
        check_keys(row, _STAGE_KEYS, where)
        own = {key: value for key, value in row.items() if key != "like"}
        if "like" in row:
            if row["like"] not in full:
                raise SpecError(f"{row['like']!r} is not a stage before this one", where=where)
            own = _merged(full[row["like"]], own)
        full[name] = own
    return full


def _merged(base: Table, over: Table) -> Table:
    result = copy.deepcopy(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = _merged(result[key], value) if both else value
    return result


def _stage(name: str, row: Table, table: Table, where: str) -> Stage:
    # A stage may change parameters of the network: weaker competition in a test, say.
    described = _merged(require(table, "network", ""), row.get("network", {}))
    path = join(where, "network") if "network" in row else "network"
    network = network_from(described, path, table["seed"])
    rest = {
        "stimulus": require(row, "stimulus", where),
        "encoding": require(row, "encoding", where),
        **{key: row[key] for key in ("record", "learning", "reset") if key in row},
        **{key: table[key] for key in ("dt", "seed") if key in table},
    }
    readers = {
        "stimulus": by_kind(STIMULI),
        "encoding": lambda t, w: build(
            Encoding, t, w, {"lgn": lambda u, v: build(LGN, u, v), "code": by_kind(CODES)}
        ),
        "record": lambda t, w: build(Record, t, w, {"signals": _samplings}),
    }
    experiment = build(Experiment, rest, where, readers, network=network, stage=name)
    return Stage(experiment, network, row.get("weights_from"))


def _samplings(rows: Any, where: str) -> tuple[Sampling, ...]:
    return tuple(build(Sampling, row, f"{where}[{k}]") for k, row in enumerate(rows))


def study_table(study: Study) -> Table:
    """A study as a document, its network written out."""
    first = study.experiments[0]
    return {
        "name": study.name,
        "title": study.title,
        "dt": first.dt,
        "seed": study.seed,
        "claims": list(study.claims),
        "network": network_table(study.stages[0].network),
        "stages": {
            stage.name: _stage_table(stage, stage is study.stages[0]) for stage in study.stages
        },
    }


def _stage_table(stage: Stage, first: bool) -> Table:
    experiment = stage.experiment
    table: Table = {
        "stimulus": plain_table(experiment.stimulus),
        "encoding": {
            "lgn": plain_table(experiment.encoding.lgn),
            "code": plain_table(experiment.encoding.code),
        },
        "record": plain_table(experiment.record),
        "learning": experiment.learning,
        "reset": experiment.reset,
    }
    if not first:
        table["network"] = network_table(stage.network)
    if stage.weights_from is not None:
        table["weights_from"] = stage.weights_from
    return table
