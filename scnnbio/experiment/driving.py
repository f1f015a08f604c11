"""Inputs of an experiment: checks, and the drawing of their spikes trial by trial."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scnnbio.encoding import Encoding
from scnnbio.errors import SpecError, hint
from scnnbio.experiment.drive import Drive
from scnnbio.experiment.noise import NoiseSpikes, noise_generator
from scnnbio.inputs import CurrentInput, Draw, FromFrames, FromSensor, Input
from scnnbio.inputs.base import Trial
from scnnbio.inputs.foreign import checked_spikes
from scnnbio.network import Network
from scnnbio.population import Population
from scnnbio.stimuli import Stimulus
from scnnbio.stimuli.base import Files
from scnnbio.values import FrozenTable

Driven = Mapping[str, Input]


class ShortForm(FrozenTable[str, Input]):
    """Inputs derived from a stimulus and an encoding; derived again when one is replaced."""

    __slots__ = ()


def checked_inputs(
    network: Network, inputs: Driven, stimulus: Stimulus | None, encoding: Encoding | None
) -> FrozenTable[str, Input]:
    """Check inputs: one per source and per current-driven population, in the order of the network.

    Parameters
    ----------
    network : Network
    inputs : mapping of str to Input
        By source or driven population; empty if a stimulus and an encoding are given instead.
    stimulus, encoding : optional
        The short form of one :class:`~scnnbio.inputs.FromFrames` for the only source.

    Raises
    ------
    SpecError
        If a source has no input or one of another kind, an input has no population or another
        shape, or trials differ in number or duration.
    """
    sources = {population.name: population for population in network.sources}
    if stimulus is not None or encoding is not None:
        if inputs and not isinstance(inputs, ShortForm):
            raise SpecError(
                "both inputs and a stimulus or an encoding are given; give inputs alone, or a"
                " stimulus and an encoding",
                where="inputs",
            )
        if stimulus is None or encoding is None:
            missing = "stimulus" if stimulus is None else "encoding"
            raise SpecError("is missing; give both a stimulus and an encoding", where=missing)
        if len(sources) != 1:
            raise SpecError(
                f"the network has {len(sources)} sources, and a stimulus with an encoding drives"
                f" exactly"
                " one; give inputs, one per source",
                where="network.populations",
            )
        inputs = ShortForm({next(iter(sources)): FromFrames(stimulus, encoding)})
    elif isinstance(inputs, ShortForm):
        inputs = {}
    if not isinstance(inputs, Mapping) or not inputs:
        raise SpecError(
            "no input is given: give a stimulus and an encoding, or inputs, one per source",
            where="inputs",
        )
    populations = {population.name: population for population in network.populations}
    for name, driven in inputs.items():
        if name not in populations:
            raise SpecError(
                f"{name!r} is not a population; {hint(str(name), populations)}", where="inputs"
            )
        _check_kind(populations[name], driven)
        driven.check_shape(name, populations[name].shape)
    undriven = [name for name in sources if name not in inputs]
    if undriven:
        raise SpecError(f"the source {undriven[0]!r} has no input; give one", where="inputs")
    ordered = {name: inputs[name] for name in populations if name in inputs}
    (first, base), *others = ordered.items()
    for name, other in others:
        for what, unit in (("n_trials", "trials"), ("duration", "ms")):
            ours, theirs = getattr(base, what), getattr(other, what)
            if ours != theirs:
                raise SpecError(
                    f"{name!r} has {theirs:g} {unit} and {first!r} has {ours:g}; all inputs of an"
                    " experiment have trials of the same number and duration",
                    where=f"inputs.{name}",
                )
    if others:
        trial_columns(ordered)
    return type(inputs)(ordered) if isinstance(inputs, ShortForm) else FrozenTable(ordered)


def _check_kind(population: Population, driven: Any) -> None:
    """Raise unless an input is of a kind that can drive the population."""
    where = f"inputs.{population.name}"
    if not isinstance(driven, Input):
        raise SpecError(f"{driven!r} is not an input", where=where)
    kind = type(driven).__name__
    values = isinstance(driven, CurrentInput)
    if not population.is_source:
        if not isinstance(driven, CurrentInput | Drive):
            raise SpecError(
                f"{kind} gives spikes, and {population.name!r} is not a spike source; add a source"
                " before it, or inject a current by FromCurrents",
                where=where,
            )
    elif population.gives_values != values:
        found, needed = ("values", "spikes") if values else ("spikes", "values")
        raise SpecError(
            f"{kind} gives {found}, and {population.name!r} is a source of {needed}; make it a"
            f" {'ValueSource' if values else 'SpikeSource'}, or give it another input",
            where=where,
        )
    elif isinstance(driven, CurrentInput) and driven.unit != "1":
        raise SpecError(
            f"values in {driven.unit}, but the values of a source have no unit; give unit = '1',"
            f" and"
            " give the weight of the projection the unit",
            where=f"{where}.unit",
        )


def check_grids(inputs: Driven, dt: float) -> None:
    """Raise unless the spikes of all inputs fit the grid on which they are drawn."""
    for name, driven in inputs.items():
        try:
            driven.check_grid(dt)
        except SpecError as error:
            raise SpecError(str(error), where=f"inputs.{name}") from None


def draws(
    network: Network, inputs: Driven, name: str, seed: int, trials: Sequence[int], dt: float
) -> list[Draw]:
    """Shape, grid and random generators of one source in each of some trials.

    The first source of spikes uses a generator of (seed, trial); every other source, and every
    population that values drive, has its own generator. Frames are drawn from the generator of the
    first source that shows an equal stimulus.
    """
    shape = network.population(name).shape
    given = inputs[name]
    if isinstance(given, CurrentInput) and not given.is_random:
        return [Draw(shape, dt, _UNUSED, _UNUSED)] * len(trials)
    if isinstance(given, CurrentInput):
        place = [p.name for p in network.populations].index(name)
        rngs = [_generator(seed, trial, _OF_VALUES, place) for trial in trials]
        return [Draw(shape, dt, rng, rng) for rng in rngs]
    if isinstance(noise := inputs[name], NoiseSpikes):
        rngs = [noise_generator(seed, trial, noise.population, noise.place) for trial in trials]
        return [Draw(shape, dt, rng, rng) for rng in rngs]
    names = [p.name for p in network.spike_sources if not isinstance(inputs[p.name], NoiseSpikes)]
    first = _first_showing(inputs, name)
    found = []
    for trial in trials:
        rng = scene = _generator(seed, trial, names.index(name))
        if first != name:
            scene = _generator(seed, trial, names.index(first))
        found.append(Draw(shape, dt, scene, rng))
    return found


#: Where nothing is drawn.
_UNUSED = np.random.default_rng(0)
#: First element of the spawn keys of generators for values; keys of spike sources are one number.
_OF_VALUES = 1


def _generator(seed: int, trial: int, *place: int) -> np.random.Generator:
    if place == (0,):
        return np.random.default_rng([seed, trial])
    # A spawn key makes these generators independent of all generators of (seed, trial).
    return np.random.default_rng(np.random.SeedSequence([seed, trial], spawn_key=place))


def _first_showing(inputs: Driven, name: str) -> str:
    ours = inputs[name]
    if isinstance(ours, FromFrames | FromSensor):
        for other, theirs in inputs.items():
            if isinstance(theirs, FromFrames | FromSensor) and theirs.stimulus == ours.stimulus:
                return other
    return name


def drawn_trials(
    inputs: Driven, trials: Sequence[int], draws: Mapping[str, Sequence[Draw]]
) -> list[Trial]:
    """Spikes of all sources in some trials, in steps of their grid; units count on over sources.

    Only inputs with an entry in ``draws``, one per trial, are drawn.

    Raises
    ------
    SpecError
        If the input of a source cannot be drawn; the message names the source.
    """
    parts: list[list[Trial]] = [[] for _ in trials]
    first = 0
    for name, driven in inputs.items():
        if name not in draws:
            continue
        try:
            each = driven.spikes_of(trials, draws[name])
            for found, draw, part in zip(each, draws[name], parts, strict=True):
                step, unit = checked_spikes(found, driven, driven.duration, draw)
                part.append((step, unit + np.int32(first) if first else unit))
        except SpecError as error:
            if isinstance(inputs, ShortForm):
                raise
            raise SpecError(str(error), where=f"inputs.{name}") from None
        first += int(np.prod(draws[name][0].shape))
    return [_together(part) for part in parts]


def _together(parts: list[Trial]) -> Trial:
    """Spikes of all sources in one trial, sorted by step, then unit."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return np.zeros(0, np.int32), np.zeros(0, np.int32)
    step, unit = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(step, kind="stable")
    return step[order], unit[order]


def only_source(network: Network) -> Population:
    """The only source of a network; raises if there are several."""
    if len(network.sources) != 1:
        raise SpecError(
            f"the network has {len(network.sources)} sources; this needs exactly one",
            where="network.populations",
        )
    return network.sources[0]


def frames_of(inputs: Driven, source: str) -> FromFrames:
    """The input of a source; raises unless it consists of frames."""
    found = inputs[source]
    if not isinstance(found, FromFrames):
        raise SpecError(
            f"{type(found).__name__} has no frames; this needs a stimulus",
            where=f"inputs.{source}",
        )
    return found


def canonical_inputs(inputs: Driven) -> dict[str, Any]:
    """Inputs in canonical form; for one source of frames, the short form."""
    only = next(iter(inputs.values())) if len(inputs) == 1 else None
    if isinstance(only, FromFrames):
        return {"stimulus": only.stimulus, "encoding": only.encoding}
    return {"inputs": inputs}


def trial_columns(inputs: Driven) -> dict[str, NDArray[Any]]:
    """Columns of all inputs.

    A column keeps its name if all inputs that have it agree; otherwise it is prefixed with the
    name of its source and an underscore.

    Raises
    ------
    SpecError
        If two columns get the same name.
    """
    tables = {name: driven.table() for name, driven in inputs.items()}
    found: dict[str, NDArray[Any]] = {}
    for name, table in tables.items():
        for key, values in table.items():
            rivals = [other[key] for other in tables.values() if key in other]
            agree = all(_same(values, rival) for rival in rivals)
            place = key if agree else f"{name}_{key}"
            if place in found and not (agree and _same(found[place], values)):
                raise SpecError(
                    f"two columns of the trial table would be {place!r}; rename a source or a"
                    " column",
                    where="inputs",
                )
            found[place] = values
    return found


def _same(one: NDArray[Any], other: NDArray[Any]) -> bool:
    numbers = one.dtype.kind in "fc" and other.dtype.kind in "fc"
    return np.array_equal(one, other, equal_nan=numbers)


def files_of(inputs: Driven) -> Files:
    """All files that inputs read, and all that they skipped."""
    every = [driven.files for driven in inputs.values()]
    return Files(
        tuple(dict.fromkeys(file for files in every for file in files.read)),
        tuple(dict.fromkeys(file for files in every for file in files.skipped)),
    )
