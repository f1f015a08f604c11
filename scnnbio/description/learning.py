"""Plasticity (table E): learning rules of kernels, shared thresholds and competition."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from scnnbio.description.cells import (
    Cell,
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
from scnnbio.description.symbols import derivative, equation, has_symbol, symbols, written
from scnnbio.experiment import Stage
from scnnbio.network import Network, Projection
from scnnbio.plasticity import (
    EachStep,
    Growth,
    Normalisation,
    SharedThreshold,
    TraceRule,
    WinnerTakeAll,
)
from scnnbio.plasticity.each_step import ELIGIBILITY
from scnnbio.population import Population


def plasticity_tables(network: Network) -> tuple[Table, ...]:
    """Table E: what learns, by which equations, and their parameters."""
    rules: list[Row] = []
    parameters: list[Row] = []
    for projection in network.projections:
        if projection.plasticity is not None:
            rules += _rule(projection)
            parameters += _rows(projection.name, projection.plasticity)
    for population in network.populations:
        if population.homeostasis is not None:
            rules.append(_threshold(population, population.homeostasis))
            parameters += _rows(population.name, population.homeostasis)
        if population.competition is not None:
            rules.append(_competition(population, population.competition))
            parameters += _rows(population.name, population.competition)
    return (
        Table("E", "Plasticity", ("On", "Part", "Definition"), tuple(rules), (0.2, 0.2, 0.6)),
        Table(
            "E", "Parameters of plasticity", ("On", "Symbol", "Name", "Value"), tuple(parameters),
            (0.25, 0.15, 0.3, 0.3),
        ),
    )  # fmt: skip


def with_training(tables: Sequence[Table], stages: Sequence[Stage]) -> tuple[Table, ...]:
    """Both tables E, with the stages that learn by gradient."""
    rules: dict[Row, list[str]] = {}
    parameters: dict[Row, list[str]] = {}
    for stage in stages:
        training = stage.experiment.training
        if training is not None:
            said = cell(said_of(training) or type(training).__name__)
            rules.setdefault((cell("Training by gradient"), said), []).append(stage.name)
            for row in _rows("", training):
                parameters.setdefault(row[1:], []).append(stage.name)
    added = (rules, parameters)
    return tuple(
        dataclasses.replace(
            table, rows=(*table.rows, *((_of(users), *row) for row, users in found.items()))
        )
        for table, found in zip(tables, added, strict=True)
    )


def _of(stages: list[str]) -> Cell:
    return cell(f"stage{'s' if len(stages) > 1 else ''} {names(stages)}")


def _rows(on: str, rule: object) -> list[Row]:
    found = fields(rule, skip=("kind",))
    known = symbols(name.rpartition(".")[2] for name, _ in found)
    rows: list[Row] = []
    for name, value in found:
        last = name.rpartition(".")[2]
        shown = has_symbol(name) or name.startswith("parameters.")
        rows.append(
            (cell(on), cell(Math(known[last])) if shown else cell(), cell(name), cell(value))
        )
    return rows


def _rule(projection: Projection) -> list[Row]:
    given = projection.plasticity
    if given is None:
        return []
    rule = given.as_traces()
    states = () if rule.each_step is None else rule.each_step.states
    known = symbols([*rule.traces, *states, *rule.constants, "w"])
    first = cell(projection.name)
    rows: list[Row] = [(first, cell("Rule"), cell(said_of(given) or type(given).__name__))]
    if rule.used("pre") or rule.used("post"):
        rows.append((first, cell("Traces"), cell(*_traces(rule, known))))
    rows.append((first, cell("Weights"), cell(*_changes(rule, known))))
    extra = _rates(rule)
    if extra:
        rows.append((first, cell("Rate and size"), cell(*extra)))
    return rows


def _traces(rule: TraceRule, known: Mapping[str, str]) -> list[Line]:
    lines = []
    for name in (*rule.used("pre"), *rule.used("post")):
        trace = rule.traces[name]
        x, tau = known[name], rf"\tau_{{{known[name]}}}"
        whose = "arrival of a presynaptic spike" if trace.side == "pre" else "postsynaptic spike"
        after = f"{x} + 1" if trace.pairing == "all-to-all" else "1"
        lines += [
            line(equation(derivative(x), rf"-\frac{{{x}}}{{{tau}}}"), ", ",
                 Math(rf"{tau} ="), " ", *quantity(trace.tau, "ms")),
            line(f"at each {whose}: ", Math(rf"{x} \leftarrow {after}")),
        ]  # fmt: skip
    return lines


def _changes(rule: TraceRule, known: Mapping[str, str]) -> list[Line]:
    w, lines = known["w"], []
    waits = rule.reward is not None
    target = "e" if waits else w
    for side, text in (
        ("arrival of a presynaptic spike", rule.on_pre),
        ("postsynaptic spike", rule.on_post),
    ):
        if text:
            change = Math(rf"\Delta {target} = {written(text, known)}")
            lines.append(line(f"at each {side}: ", change))
    if rule.each_step is None or rule.on_pre or rule.on_post:
        lines.append(line("traces are read before the spike changes them; an arrival comes first"))
    if rule.each_step is not None:
        lines += _each_step(rule.each_step, {**known, ELIGIBILITY: ELIGIBILITY})
    if rule.reward is not None:
        lines += _reward(rule, w)
    bounds = rf"{known['w_min']} \leq {w} \leq {known['w_max']}"
    lines.append(line("each kernel element is clipped to ", Math(bounds)))
    return lines


def _each_step(each: EachStep, known: Mapping[str, str]) -> list[Line]:
    w, e, lines = known["w"], ELIGIBILITY, []
    if each.tau is not None:
        tau = r"\tau_{\mathrm{e}}"
        lines += [
            line("eligibility of each connection: ",
                 equation(derivative(e), rf"-\frac{{{e}}}{{{tau}}}"), ", ", Math(rf"{tau} ="), " ",
                 *quantity(each.tau, "ms")),
            line("in each step: ", Math(rf"{e} \leftarrow {e} + {written(each.eligible, known)}")),
        ]  # fmt: skip
    change = written(each.change, known)
    lines.append(line(
        "in each step: ", Math(rf"{w} \leftarrow {w} + \sum \left({change}\right)"),
        ", over all connections that share it",
    ))  # fmt: skip
    if each.states:
        lines.append(line(
            f"{names(tuple(each.states))}: of the postsynaptic neuron, after all arrivals, before"
            " its reset",
        ))  # fmt: skip
    return lines


def _reward(rule: TraceRule, w: str) -> list[Line]:
    reward = rule.reward
    if reward is None:
        return []
    lines = []
    if rule.eligibility is None:
        lines.append(
            line("the eligibility ", Math("e"), " lasts until the reward of the next step")
        )
    else:
        decay = equation(derivative("e"), r"-\frac{e}{\tau_{\mathrm{e}}}")
        tau = line(", ", Math(r"\tau_{\mathrm{e}} ="), " ", *quantity(rule.eligibility, "ms"))
        lines.append(line("eligibility: ", decay, *tau))
    lines.append(line("in each step: ", Math(rf"{w} \leftarrow {w} + r\, e")))
    delay = quantity(reward.delay, "ms")
    lines.append(line(
        f"each spike of {reward.population} adds the value of its channel to ", Math("r"),
        " after ", *delay,
    ))  # fmt: skip
    if reward.tau is None:
        lines.append(line(Math("r"), " lasts for one step"))
    else:
        decay = equation(derivative("r"), r"-\frac{r}{\tau_{\mathrm{r}}}")
        lines.append(
            line(decay, ", ", Math(r"\tau_{\mathrm{r}} ="), " ", *quantity(reward.tau, "ms"))
        )
    return lines


def _rates(rule: TraceRule) -> list[Line]:
    lines = []
    if rule.half_life is not None:
        lines.append(line("all changes halve in ", *quantity(rule.half_life, "ms")))
    if isinstance(rule.growth, Growth):
        growth = rule.growth
        lines.append(line(
            "all changes grow by a factor of ", number(growth.factor), " every ",
            number(growth.every), " trials, up to ", number(growth.limit), " times the first",
        ))  # fmt: skip
    if isinstance(rule.normalisation, Normalisation):
        held = rule.normalisation
        norm = "sum of sizes" if held.norm == "l1" else "root of the sum of squares"
        when: tuple[Part, ...] = ("at the end of each trial",)
        if held.period is not None:
            when = ("every ", *quantity(held.period, "ms"))
        lines.append(line(
            f"the {norm} of the kernel of each output map is set to ", number(held.target), " ",
            *when,
        ))  # fmt: skip
    return lines


def _threshold(population: Population, rule: SharedThreshold) -> Row:
    name = rule.parameter
    theta = symbols([name])[name]
    lines = [
        line(f"{name} is shared by the neurons of a channel"),
        line(
            Math(rf"{derivative(theta)} = \eta\, (\sum_{{k}} \delta(t - t_{{k}}) - f^{{\ast}})"),
            " over all spikes ", Math("t_{k}"), " of the channel",
        ),
    ]  # fmt: skip
    if rule.minimum is not None:
        lines.append(line("not below ", *quantity(rule.minimum, "mV")))
    if rule.half_life is not None:
        lines.append(line(Math(r"\eta"), " halves in ", *quantity(rule.half_life, "ms")))
    return cell(population.name), cell("Shared threshold"), cell(*lines)


def _competition(population: Population, rule: WinnerTakeAll) -> Row:
    lines = [
        line("per trial and map one winner: the first neuron to fire where no other map has won"),
        line("a winner excludes the other maps up to a distance of ", number(rule.radius)),
        line("only winners learn, from their winning spike on"),
    ]
    if rule.winners is not None:
        lines.append(line("at most ", number(rule.winners), " winners of all maps per trial"))
    if rule.silence:
        lines.append(line("the first spike at a place silences the other maps there"))
    return cell(population.name), cell("Competition"), cell(*lines)
