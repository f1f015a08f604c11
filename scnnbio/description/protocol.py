"""Input (table F), measurements (table G) and simulation (table H) of the stages of a study."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from scnnbio.description.cells import (
    Line,
    Math,
    Part,
    Row,
    Table,
    cell,
    line,
    names,
    number,
    quantity,
)
from scnnbio.description.fields import fields, said_of
from scnnbio.description.layers import model_symbols
from scnnbio.description.symbols import derivative
from scnnbio.experiment import Experiment, Stage, Study
from scnnbio.experiment.gradient import BySurrogates
from scnnbio.network import Network
from scnnbio.neurons.noise import Noise, OrnsteinUhlenbeckNoise, PoissonNoise
from scnnbio.neurons.ports import port
from scnnbio.population import Population


def noise_rows(network: Network) -> list[Row]:
    """Rows of table F for the background noise of a network: on, type, description."""
    return [
        (
            cell(population.name),
            cell(_kind(noise) + _of(place, population)),
            cell(*_noise(population, noise)),
        )
        for population in network.populations
        for place, noise in enumerate(population.noise)
    ]


def _of(place: int, population: Population) -> str:
    """Which of several noises it is: two that are equal are two."""
    several = len(population.noise)
    return f" ({place + 1} of {several})" if several > 1 else ""


def _kind(noise: Noise) -> str:
    if isinstance(noise, PoissonNoise):
        return "background noise: Poisson spikes"
    return "background noise" + (
        ": Ornstein-Uhlenbeck process" if isinstance(noise, OrnsteinUhlenbeckNoise) else ""
    )


def _noise(population: Population, noise: Noise) -> list[Line]:
    if isinstance(noise, PoissonNoise):
        unit = population.model.unit_of(population.model.receptors[noise.receptor])
        return [
            line("an independent train into each neuron, rate ", *quantity(noise.rate, "Hz")),
            line(f"receptor {noise.receptor}, weight ", *quantity(noise.weight, unit)),
        ]
    if isinstance(noise, OrnsteinUhlenbeckNoise):
        return _wandering(population, noise)
    said = line(said_of(noise) or type(noise).__name__)
    return [said, *(line(f"{name}: ", *value) for name, value in fields(noise))]


def _wandering(population: Population, noise: OrnsteinUhlenbeckNoise) -> list[Line]:
    into = Math(model_symbols(population.model)[noise.port])
    x = "g" if noise.conducts else "x"
    unit = "uS" if noise.conducts else port(population.model, noise.port, population.name).unit
    law = rf"\tau {derivative(x)} = \mu - {x} + \sigma \sqrt{{2 \tau}}\, \xi(t)"
    lines = [
        line("independent in each neuron: ", Math(law)),
        line(Math(r"\mu ="), " ", *quantity(noise.mean, unit), ", ", Math(r"\sigma ="), " ",
             *quantity(noise.sigma, unit), ", ", Math(r"\tau ="), " ",
             *quantity(noise.tau, "ms")),
    ]  # fmt: skip
    if noise.reversal is None:
        return [*lines, line("added to ", into)]
    current = Math(r"\max(g, 0) \left(E - V\right)")
    reversal = quantity(noise.reversal, "mV")
    return [*lines, line(current, " is added to ", into, ", ", Math("E ="), " ", *reversal)]


def input_table(stages: Sequence[Stage], networks: Sequence[Network]) -> Table:
    """Table F: what drives each population, and its background noise.

    Networks alone, without stages, have only noise.
    """
    found: dict[Row, list[str]] = {}
    for stage in stages:
        for name, given in stage.experiment.inputs.items():
            lines = [line(said_of(given) or type(given).__name__)]
            lines += [line(f"{path}: ", *value) for path, value in fields(given, skip=("kind",))]
            row: Row = (cell(name), cell(type(given).__name__), cell(*lines))
            found.setdefault(row, []).append(stage.name)
    for stage in stages:
        for row in noise_rows(stage.network):
            found.setdefault(row, []).append(stage.name)
    if not stages:
        found = {row: [] for network in networks for row in noise_rows(network)}
    rows = [(cell(_stages(users, stages)), *row) for row, users in found.items()]
    head = ("Stages", "Population", "Type", "Description")
    return Table("F", "Input", head, tuple(rows), (0.15, 0.15, 0.2, 0.5))


def _stages(users: list[str], stages: Sequence[Stage]) -> str:
    return "all" if len(set(users)) == len(stages) else names(users)


def measurements_table(stages: Sequence[Stage], study: Study | None) -> Table:
    """Table G: what each stage records, and what is measured of it."""
    found: dict[Row, list[str]] = {}
    for stage in stages:
        for row in _recorded(stage.experiment):
            found.setdefault(row, []).append(stage.name)
    rows = [(cell(_stages(users, stages)), *row) for row, users in found.items()]
    for bound in study.claims if study is not None else ():
        what = line(
            f"claim {bound.claim}", f", used for {bound.used_for}" if bound.used_for else ""
        )
        rows.append(
            (cell(bound.stage), cell(bound.about.removeprefix(f"{bound.stage}: ")), cell(what))
        )
    head = ("Stages", "Of", "Measurement")
    return Table("G", "Measurements", head, tuple(rows), (0.2, 0.3, 0.5))


def _recorded(experiment: Experiment) -> list[Row]:
    rows: list[Row] = [(cell(name), cell("spikes")) for name in experiment.record.spikes]
    for sampling in experiment.record.signals:
        period = experiment.dt if sampling.period is None else sampling.period
        whose: tuple[Part, ...] = ("all neurons",)
        if sampling.units is not None:
            whose = ("neurons ", ", ".join(map(str, sampling.units)))
            if len(sampling.units) > 20:
                whose = (f"{len(sampling.units)} neurons",)
        what = line(f"{names(sampling.variables)} of ", *whose, " every ", *quantity(period, "ms"))
        rows.append((cell(sampling.population), cell(what)))
    shots = len(experiment.snapshot_trials())
    if shots:
        what = line("kernels and thresholds that learn, at ", number(shots), " times")
        rows.append((cell("network"), cell(what)))
    return rows


def simulation_table(stages: Sequence[Stage]) -> Table:
    """Table H: trials, time step, seed, and what each stage begins with."""
    rows = []
    for stage in stages:
        e = stage.experiment
        grid = [line(*quantity(e.dt, "ms"))]
        if e.input_dt is not None:
            grid.append(line("input drawn on a grid of ", *quantity(e.input_dt, "ms")))
        trials = line(number(e.n_trials), " of ", *quantity(e.trial_duration, "ms"))
        rows.append(
            (cell(stage.name), cell(trials), cell(*grid), cell(str(e.seed)), cell(*_begins(stage)))
        )
    head = ("Stage", "Trials", "Time step", "Seed", "State")
    return Table("H", "Simulation", head, tuple(rows), (0.2, 0.2, 0.2, 0.1, 0.3))


def _begins(stage: Stage) -> Iterable[Line]:
    e = stage.experiment
    if stage.weights_from is not None:
        yield line(f"with the weights learned in {stage.weights_from}")
    if stage.shuffled is not None:
        yield line(f"each map's weights in random order (seed {stage.shuffled})")
    if e.training is not None:
        yield line(f"trained by gradient; records nothing. {said_of(e.training)}")
        yield from (line(f"{path}: ", *value) for path, value in fields(e.training))
        if isinstance(e.training, BySurrogates):
            yield line(f"slope of the surrogate: {e.training.settings.surrogate.written}")
    elif stage.network.learns:
        yield line("learning" if e.learning else "nothing learns")
    yield line("each trial begins at rest" if e.reset else "trials run on without a reset")
