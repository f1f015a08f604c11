"""Every table and key of a document, written out from the classes that read them.

python docs/document_format.py    # writes docs/reference/document.md

Longer than 400 lines because it is one page, and half of it lists the page's sections in their
order.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpydoc.docscrape import ClassDoc

from scnnbio.connectors import CONNECTORS, PROFILES, RANDOM_EDGES
from scnnbio.encoding import CODES, LGN, Encoding, Pixels, Retina
from scnnbio.experiment import ClaimBinding, Experiment, Record, Sampling, Stage
from scnnbio.experiment.gradient import GRADIENTS
from scnnbio.experiment.networks import NOISES
from scnnbio.experiment.surrogates import Surrogate
from scnnbio.experiment.training import Training
from scnnbio.inputs import INPUTS, Augmentation, EventSensor
from scnnbio.network import Projection
from scnnbio.neurons import NeuronModel, Parameter
from scnnbio.plasticity import (
    RULES,
    EachStep,
    Growth,
    Normalisation,
    Reward,
    SharedThreshold,
    Trace,
    WinnerTakeAll,
)
from scnnbio.population import Population
from scnnbio.stimuli import STIMULI

PAGE = Path(__file__).parent / "reference" / "document.md"
_HEAD = """# The document format

This page is written by `python docs/document_format.py` from the classes that read a document. A
document is a TOML file that describes a study: a network, stages in which it is run, and claims by
which it is judged. `scnnbio check FILE` reads one and reports the first mistake with its path.

- A number with a unit is written as text, `"20 ms"`, in any unit of the same kind, or as a plain
  number in the unit that the table names. The units are those of
  {py:data}`scnnbio.units.UNITS`.
- A key without a default has to be given. An unknown key is an error.
- A path begins at the folder of the document.
- A table with a `kind` has the keys of that kind. Installed packages add kinds
  ([extending](../how_to/extending.md)); this page lists those of scnnbio.
"""
_DOCUMENT = {
    "name": ("text", "", "Name of the study: letters, digits, `_` and `-`."),
    "title": ("text", '`""`', "Title of its report."),
    "dt": ("number", "`0.1`", "Time step of every stage that has none of its own (ms)."),
    "seed": ("whole number", "`1`", "Every random number follows from it; `--seed` replaces it."),
    "claims": ("list of tables", "`[]`", "[Claims](#claims) that judge the study."),
    "options": (
        "table", "`{}`",
        "Short names for `--set`: `maps = \"network.parameters.maps\"` makes `--set maps=8` work.",
    ),
    "network": ("table", "", "The [network](#network)."),
    "stages": ("table of tables", "", "The [stages](#stages) by name, in the order of running."),
    "profiles": (
        "table of tables", "`{}`",
        "Settings by the name of a profile: paths into the document, quoted, and their values."
        " `--profile quick` applies those of `[profiles.quick]`.",
    ),
}  # fmt: skip
_NETWORK = {
    "model": ("text", "none", "Name of an installed model, a function that makes the network."),
    "parameters": ("table", "`{}`", "Arguments of that function. Only with `model`."),
    "populations": ("list of tables", "none", "[Populations](#populations). Not with `model`."),
    "projections": ("list of tables", "none", "[Projections](#projections). Not with `model`."),
    "weights": (
        "text or table", "none",
        "A file of kernels and thresholds to begin with; or `{ file, stage }`, for the weights that"
        " a stage of a run has left.",
    ),
}  # fmt: skip
_OF_STAGES = {
    "like": (
        "text", "none",
        "An earlier stage whose keys this one has too, unless it gives them; `training` alone is"
        " not taken over.",
    ),
    "network": (
        "table", "none", "Keys of the network that are different in this stage.",
    ),
}  # fmt: skip
_CHANGED_NEURON = {
    "model": ("text", "", "Name of a neuron of the library."),
    "homeostasis": (
        "table", "none",
        "`{ eta, target, tau }` in mV, Hz and ms: a threshold of each neuron that holds its rate;"
        " `parameter` names what moves, by default `v_thresh`.",
    ),
    "integrator": ("text", "that of the model", "`exact`, or `forward-euler` to see its errors."),
}  # fmt: skip
_DISTRIBUTION = {
    "uniform": ("list of 2 numbers", "none", "Smallest and largest value."),
    "normal": ("list of 2 numbers", "none", "Mean and standard deviation."),
    "lognormal": ("list of 2 numbers", "none", "Median, and standard deviation of the logarithm."),
    "low": ("number", "none", "With `normal`: values below are drawn again."),
    "high": ("number", "none", "With `normal`: values above are drawn again."),
    "seed": ("whole number", "that of the document", "Seed of the draws."),
}  # fmt: skip
#: Keys of connectors that have short forms in documents.
_SHORT = {
    "kernel": " In a document: numbers; `{ uniform = [low, high], shape = [...], seed }`, where"
    " `one_lag = true` keeps one lag of each element, drawn at random; or"
    " `{ each = one kernel, maps = n }`.",
    "weights": " In a document also `{ uniform = [low, high], shape = [...], seed }`.",
    "edges": " In a document: `{ pre = [...], post = [...] }`, or a table with a `kind`, below.",
    "profile": " In a document: a list, or a table with a `kind`, below.",
}
#: Meanings of names that a docstring may leave without one, since they mean the same everywhere.
_USUAL = {
    "bounds": 'How a change depends on the distance from the bounds: as of the rule `"pair"`.',
    "code": "Turns values into spikes.",
    "n_trials": "Number of trials.",
    "pairing": "Whether a spike pairs with all earlier ones or with the last one.",
    "reward": "When a reward comes, and how large it is.",
    "seed": "Seed of the draws.",
    "sensor": "The sensor that sees it.",
}
#: Keys of a class that a document gives in other places, or not at all.
_ELSEWHERE = {"in_shape", "out_shape", "shape", "delay"}
#: Words of numpydoc → words for what TOML holds.
_WORDS = {
    "tuple of str": "list of text", "tuple of float": "list of numbers", "bool": "true or false",
    "tuple of int": "list of whole numbers", "array-like": "list", "array_like": "list",
    "sequence of": "list of", "mapping of str to": "table of", "mapping": "table",
    "tuple of": "list of", "str": "text", "float": "number", "int": "whole number",
    "array": "list", "ndarray": "list", "Number": "number", "Milliseconds": "number",
    "Hertz": "number",
}  # fmt: skip
#: Classes → the sections on their tables.
_SECTIONS = {
    "NeuronModel, SpikeSource or ValueSource": "[neuron](#neurons)",
    "SharedSTDP, TripletSTDP or TraceRule": "[learning rule](#learning-rules)",
    "LGN, Retina or Pixels": "[table](#encoding)", "LGN, Pixels or Retina": "[table](#encoding)",
    "KernelConnector": "[connector](#connectors)", "Stimulus": "[stimulus](#stimuli)",
    "EventSensor": "[event sensor](#event-sensors)",
    "Encoding": "[encoding](#encoding)", "Code": "[code](#codes)", "Input": "[input](#inputs)",
    "Record": "[record](#record)", "Sampling": "[signals](#signals)",
    "SharedThreshold": "[shared threshold](#shared-thresholds)", "Noise": "[noise](#noise)",
    "WinnerTakeAll": "[competition](#competition)",
    "Distribution": "[distribution](#distributions)",
    "Reward": "[reward](#rewards)", "EachStep": "[change in each step](#changes-in-each-step)",
    "Growth": "[growth](#growth)", "Normalisation": "[normalisation](#normalisation)",
    "Trace": "[trace](#traces)", "Parameter": "[parameter](#parameters-of-a-neuron)",
    "RandomEdges": "[random connections](#random-connections)",
    "Gradient": "[training](#training-by-gradient)",
    "Training": "[settings](#settings-of-surrogate-gradients)",
    "Surrogate": "[surrogate](#surrogates)",
    "Augmentation": "[augmentation](#augmentation)",
    "RadialProfile": "[profile](#profiles)",
}  # fmt: skip
_UNITS = {"Milliseconds": "ms", "Millivolts": "mV", "Hertz": "Hz", "Degrees": "deg", "Window": "ms"}
_ALIASES = {"Times": "ms", "Rates": "Hz", "Angles": "deg"}


@dataclass(frozen=True)
class Key:
    """One key of a table.

    Parameters
    ----------
    name, kind, unit, default, meaning : str
    """

    name: str
    kind: str
    unit: str
    default: str
    meaning: str


def page() -> str:
    """The page in Markdown."""
    return "\n".join([_HEAD, *_study(), *_network(), *_neurons(), *_driven()]).rstrip() + "\n"


def _study() -> Iterator[str]:
    yield from _section("The document", _written(_DOCUMENT))
    yield from _section("Stages", [*_written(_OF_STAGES), *_stage_keys()], "`[stages.NAME]`")
    yield from _section("Record", keys(Record), "`record` of a stage")
    yield from _kinds("Training by gradient", GRADIENTS, "`training` of a stage")
    note = '`settings` of a training `"surrogate"`'
    yield from _section("Settings of surrogate gradients", keys(Training), note, 3)
    yield from _section("Surrogates", keys(Surrogate), "`surrogate` of these settings", 3)
    note = '`augmentation` of a training `"surrogate"`'
    yield from _section("Augmentation", keys(Augmentation), note, 3)
    yield from _section("Signals", keys(Sampling), "each row of `record.signals`", 3)
    note = (
        "each row of `claims`. `population` is a name, a list of names, or a table of shares by"
        " name. `scnnbio list` lists the claims"
    )
    yield from _section("Claims", [k for k in keys(ClaimBinding) if k.name != "shares"], note)


def _stage_keys() -> list[Key]:
    given = ("network", "stage")
    experiment = [key for key in keys(Experiment) if key.name not in given]
    own = [key for key in keys(Stage) if key.name in ("weights_from", "shuffled")]
    fallback = {"dt": "that of the document", "seed": "that of the document"}
    return [
        dataclasses.replace(key, default=fallback.get(key.name, key.default))
        for key in [*experiment, *own]
    ]


def _network() -> Iterator[str]:
    yield from _section("Network", _written(_NETWORK), "`[network]`")
    yield from _section("Populations", keys(Population), "each `[[network.populations]]`")
    note = "a value of `parameters` or `initial` that is a table: one draw per neuron"
    yield from _section("Distributions", _written(_DISTRIBUTION), note, 3)
    yield from _section("Shared thresholds", keys(SharedThreshold), "`homeostasis`", 3)
    yield from _section("Competition", keys(WinnerTakeAll), "`competition`", 3)
    yield from _kinds("Noise", NOISES, "`noise`, one table or a list of them")
    yield from _section("Projections", keys(Projection), "each `[[network.projections]]`")
    yield from _kinds("Connectors", CONNECTORS, "`connector` of a projection")
    yield from _kinds("Profiles", PROFILES, '`profile` of a `"lateral-inhibition"`')
    yield from _kinds("Random connections", RANDOM_EDGES, '`edges` of a connector `"edges"`')
    yield from _kinds("Learning rules", RULES, '`plasticity` of a projection; `"pair"` if no kind')
    yield from _section("Traces", keys(Trace), 'each of `traces` of a rule `"traces"`', 3)
    yield from _section("Rewards", keys(Reward), "`reward` of a rule", 3)
    yield from _section(
        "Changes in each step", keys(EachStep), '`each_step` of a rule `"traces"`', 3
    )
    yield from _section("Growth", keys(Growth), "`growth` of a rule", 3)
    yield from _section("Normalisation", keys(Normalisation), "`normalisation` of a rule", 3)


def _neurons() -> Iterator[str]:
    yield "## Neurons\n"
    yield (
        '`neuron` of a population is `"SpikeSource"`, `"ValueSource"`, a name of the'
        " [library](../background/models.md), or a table of one of two forms.\n"
    )
    yield from _section("A changed neuron of the library", _written(_CHANGED_NEURON), "", 3)
    yield from _section("A neuron of your own", keys(NeuronModel), "", 3)
    yield from _section("Parameters of a neuron", keys(Parameter), "each of `parameters`", 3)


def _driven() -> Iterator[str]:
    yield from _kinds("Stimuli", STIMULI, "`stimulus` of a stage")
    yield from _section("Encoding", keys(Encoding), "`encoding` of a stage")
    yield from _section("Centre and surround", keys(LGN), "`lgn` without a `kind`", 3)
    yield from _section("Pixels", keys(Pixels), '`lgn = { kind = "pixels" }`', 3)
    yield from _section("Retina", keys(Retina), '`lgn = { kind = "retina" }`', 3)
    yield from _kinds("Codes", CODES, "`code`")
    yield from _kinds("Inputs", INPUTS, "`[stages.NAME.inputs.SOURCE]`, in place of both", _inputs)
    yield from _section("Event sensors", keys(EventSensor), '`sensor` of an input `"sensor"`', 3)


def _inputs(kind: str, found: list[Key]) -> list[Key]:
    """Keys of an input; spikes and currents may come from a file."""
    file = Key("file", "text", "", "none", "In place of the values: a file that holds them.")
    if kind == "spikes":
        population = Key("population", "text", "", "none", "With `file`: of the recording.")
        return [file, population, *found]
    return [file, *found] if kind == "currents" else found


def _section(title: str, found: list[Key], of: str = "", level: int = 2) -> Iterator[str]:
    yield f"{'#' * level} {title}\n"
    if of:
        yield f"Keys of {of}.\n"
    yield from _table(found)


def _kinds(title: str, kinds: Any, of: str, change: Any = None) -> Iterator[str]:
    """A section on a registry: a table for each kind that is scnnbio's own."""
    yield f"## {title}\n"
    yield f"Keys of {of}, by `kind`.\n"
    for kind in getattr(kinds, "own", kinds):
        cls = kinds.ours(kind) if hasattr(kinds, "ours") else kinds[kind]
        yield f'### {title}: `"{kind}"`\n'
        yield f"{_first_sentence(cls)} See {{py:class}}`{cls.__module__}.{cls.__name__}`.\n"
        found = keys(cls)
        yield from _table(change(kind, found) if change else found)


def _table(found: list[Key]) -> Iterator[str]:
    if not found:
        yield "No keys.\n"
        return
    yield "| key | type | unit | default | meaning |\n|---|---|---|---|---|"
    for key in found:
        cells = (f"`{key.name}`", key.kind, key.unit, key.default, key.meaning)
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
    yield ""


def _written(table: Mapping[str, tuple[str, str, str]]) -> list[Key]:
    return [Key(name, kind, "", default, text) for name, (kind, default, text) in table.items()]


def keys(cls: type) -> list[Key]:
    """Keys of a table that becomes an instance of a class.

    Parameters
    ----------
    cls : type
        A dataclass, or a class whose arguments are the keys.
    """
    described = _described(cls)
    found = []
    for name, annotation, default in _arguments(cls):
        kind, meaning = described.get(name, ("", ""))
        meaning = (meaning or _USUAL.get(name, "")) + _SHORT.get(name, "")
        optional = "optional" in kind
        kind = re.sub(r",?\s*optional", "", kind)
        shown = _shown(default)
        if optional and shown in ("", "`None`"):
            shown = "none"
        found.append(Key(name, _in_toml(kind or annotation), _unit(annotation), shown, meaning))
    return found


def _arguments(cls: type) -> Iterator[tuple[str, str, Any]]:
    """Name, annotation and default of each key."""
    if dataclasses.is_dataclass(cls) and cls.__dataclass_params__.init:  # type: ignore[attr-defined]
        for item in dataclasses.fields(cls):
            if not item.init or item.name in ("kind", "files"):
                continue
            made = item.default_factory
            default = item.default if made is dataclasses.MISSING else made()
            missing = default is dataclasses.MISSING
            yield item.name, str(item.type), inspect.Parameter.empty if missing else default
        return
    for argument in inspect.signature(cls).parameters.values():
        if argument.name not in _ELSEWHERE:
            yield argument.name, str(argument.annotation), argument.default


def _described(cls: type) -> dict[str, tuple[str, str]]:
    """Type and meaning of each parameter in the docstrings of a class and of those above it."""
    found = {}
    for above in reversed(cls.__mro__[:-1]):
        document = ClassDoc(above, config={"show_class_members": False})
        for entry in [*document["Attributes"], *document["Parameters"]]:
            said = _in_markdown(" ".join(entry.desc))
            for name in map(str.strip, entry.name.split(",")):
                # A class may refer to the one above: what that one says helps more.
                refers = said.startswith("As of") and name in found
                found[name] = (entry.type, found[name][1] if refers else said)
    return found


def _in_markdown(text: str) -> str:
    text = re.sub(r":\w+:`~?(?:[\w.]*\.)?(\w+)`", r"`\1`", " ".join(text.split()))
    text = re.sub(r":math:`([^`]*)`", r"$\1$", text)
    return text.replace("``", "`").replace("<", "&lt;")


def _in_toml(kind: str) -> str:
    kind = kind.replace("``", "`").strip("'")
    for word, said in _WORDS.items():
        kind = re.sub(rf"\b{re.escape(word)}\b(?![^`]*`[^`]*$)", said, kind)
    names = "|".join(re.escape(name) for name in sorted(_SECTIONS, key=len, reverse=True))
    kind = kind.removesuffix(" | None")
    return re.sub(rf"\b({names})\b", lambda found: _SECTIONS[found[1]], kind)


def _unit(annotation: str) -> str:
    """Unit that an annotation declares."""
    if found := re.search(r"In\(['\"]([^'\"]+)['\"]", annotation):
        return "" if found[1] == "1" else found[1]
    if "In(None" in annotation:
        return "of the variable"
    named = [unit for word, unit in (_UNITS | _ALIASES).items() if word in annotation]
    return named[0] if named else ""


def _shown(default: Any) -> str:
    if default is inspect.Parameter.empty:
        return ""
    if default is None:
        return "none"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, str):
        return f'`"{default}"`'
    if isinstance(default, tuple | list) and all(isinstance(v, int | float | str) for v in default):
        return f"`{list(default)}`".replace("'", '"')
    if isinstance(default, int | float):
        return f"`{default:g}`"
    if isinstance(default, Mapping) and not default:
        return "`{}`"
    return "its defaults"


def _first_sentence(cls: type) -> str:
    return _in_markdown((inspect.getdoc(cls) or "").partition("\n\n")[0])


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
