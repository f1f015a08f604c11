"""Ratios, tables and the figure of the benchmarks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

from scnnbio.figures.style import MODEL, PAGE, new_figure, panel_letter, styled

Row = dict[str, Any]
OURS = "scnnbio"
_DOCS = Path(__file__).parents[1] / "docs"
_PAGE = _DOCS / "background" / "performance.md"
_BETWEEN = re.compile(r"(<!-- results -->\n).*?(<!-- end of results -->)", re.S)


def label(row: Row) -> str:
    """Implementation, and its precision where it is single."""
    single = ", single" if row["precision"] == "single" else ""
    return f"{row['implementation']}{single}"


def ratios(rows: Iterable[Row]) -> dict[str, dict[str, float]]:
    """Configuration → implementation → CPU seconds over those of scnnbio in the same precision.

    scnnbio in single precision is divided by scnnbio in double precision.
    """
    rows = list(rows)
    ours = {(r["configuration"], r["precision"]): r for r in rows if r["implementation"] == OURS}
    found: dict[str, dict[str, float]] = {}
    for row in rows:
        same = "double" if row["implementation"] == OURS else row["precision"]
        against = ours.get((row["configuration"], same))
        if against is not None:
            found.setdefault(row["configuration"], {})[label(row)] = row["cpu_s"] / against["cpu_s"]
    return found


def same_spikes(rows: Iterable[Row]) -> dict[str, bool]:
    """Implementation → whether it fires as scnnbio in double precision, in all configurations.

    Each neuron as often where an implementation counts for each neuron, else all together.
    """
    rows = list(rows)
    ours = {
        r["configuration"]: r
        for r in rows
        if r["implementation"] == OURS and r["precision"] == "double"
    }
    found: dict[str, bool] = {}
    for row in rows:
        mine = ours[row["configuration"]]
        key = "spikes" if row["fingerprint"] is None else "fingerprint"
        found[label(row)] = found.get(label(row), True) and row[key] == mine[key]
    return found


def show(rows: list[Row]) -> None:
    """Print some rows."""
    table = Table(title=rows[0]["configuration"].rpartition(",")[0], title_justify="left")
    for heading in ("", "Hz", "CPU s", "over scnnbio", "peak MB", "construct s", "build s"):
        table.add_column(heading, justify="left" if not heading else "right")
    found = ratios(rows)
    for row in rows:
        table.add_row(
            label(row),
            row["configuration"].rpartition(", ")[2].removesuffix(" Hz"),
            f"{row['cpu_s']:.4f}",
            _number(found.get(row["configuration"], {}).get(label(row))),
            f"{row['peak_mb']:.0f}",
            f"{row['construct_s']:.1f}",
            f"{row['build_s']:.1f}",
        )
    Console(width=110).print(table)


def write(rows: list[Row], machine: str) -> None:
    """Put tables and figure into the documentation."""
    parts = {part: [r for r in rows if r["part"] == part] for part in _HEADINGS}
    text = [f"Measured on {machine}; medians of runs in turn.\n"]
    for part, heading in _HEADINGS.items():
        if parts[part]:
            text += [f"\n**{heading}**\n", *_TABLES[part](parts), ""]
    page = _PAGE.read_text()
    _PAGE.write_text(_BETWEEN.sub(lambda m: m[1] + "\n".join(text) + "\n" + m[2], page))
    if parts["convolution"] and parts["growth"]:
        draw(rows)


def _table(head: list[str], body: Iterable[list[str]]) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    return lines + ["| " + " | ".join(cells) + " |" for cells in body]


def _ratio_table(rows: list[Row]) -> list[str]:
    """CPU seconds of scnnbio per simulated second, and ratios of the other implementations."""
    found = ratios(rows)
    ours = {r["configuration"]: r["cpu_s"] / r["simulated_s"] for r in rows if label(r) == OURS}
    names = [n for n in dict.fromkeys(label(r) for r in rows) if n != OURS]
    body = [
        [name, f"{ours[name]:.3f}", *(_number(found[name].get(n)) for n in names)] for name in found
    ]
    extremes = [
        [word, "", *(_number(pick(c[n] for c in found.values() if n in c)) for n in names)]
        for word, pick in (("least", min), ("most", max))
    ]
    identical = same_spikes(rows)
    body += [*extremes, ["same spikes", "", *("yes" if identical[n] else "no" for n in names)]]
    return _table(["", "scnnbio, CPU s per s", *names], body)


def _number(ratio: float | None) -> str:
    """A ratio; a dash where an implementation was not measured."""
    return "–" if ratio is None else f"{ratio:.2f}"


def _memory_table(rows: list[Row]) -> list[str]:
    largest = max(r["synapses"] for r in rows)
    chosen = {label(r): r for r in rows if r["synapses"] == largest}
    body = [
        [name, f"{r['peak_mb']:.0f}", f"{r['construct_s']:.1f}", f"{r['build_s']:.1f}"]
        for name, r in chosen.items()
    ]
    return _table([f"{largest:,} synapses", "peak MB", "construct s", "build s"], body)


def _growth_table(rows: list[Row]) -> list[str]:
    chosen = {r["synapses"]: r for r in rows}
    body = [
        [f"{n:,}", f"{r['neurons']:,}", f"{r['peak_mb']:.0f}", f"{r['cpu_s']:.3f}"]
        for n, r in sorted(chosen.items())
    ]
    return _table(["synapses", "neurons", "peak MB", "CPU s (20 Hz)"], body)


def _threads_table(rows: list[Row], alone: list[Row]) -> list[str]:
    """Seconds per simulated second, with one thread and with two."""
    one = {r["configuration"]: r for r in alone if label(r) == OURS}
    body = []
    for two in rows:
        of = one[two["configuration"]]
        times = [r[clock] / r["simulated_s"] for clock in ("wall_s", "cpu_s") for r in (of, two)]
        body.append([
            two["configuration"], *(f"{t:.3f}" for t in times), f"{times[0] / times[1]:.2f}",
            "yes" if two["fingerprint"] == of["fingerprint"] else "no",
        ])  # fmt: skip
    heads = ["wall, one thread", "two", "CPU, one thread", "two", "speed-up", "same spikes"]
    return _table(["", *heads], body)


def _input_table(rows: list[Row], layers: list[Row]) -> list[str]:
    """CPU milliseconds per simulated second, and their fraction of a run of each layer after it."""
    body = []
    for row in rows:
        cells, _, dt_and_rate = row["configuration"].partition(", ")
        dt_and_rate = dt_and_rate.partition(", ")[2]
        spent = [1e3 * row[k] / row["simulated_s"] for k in ("draw_s", "feed_s", "program_s")]
        behind = []
        for layer in layers:
            name = layer["configuration"]
            if label(layer) == OURS and name.startswith(cells) and name.endswith(dt_and_rate):
                whole = 1e3 * layer["cpu_s"] / layer["simulated_s"] + spent[0] + spent[1]
                behind.append(f"{100 * sum(spent) / whole:.1f} % ({name.split(', ')[1]})")
        body.append([
            f"{cells}, {dt_and_rate}", f"{row['spikes'] / row['simulated_s']:,.0f}",
            *(f"{ms:.1f}" for ms in spent), ", ".join(behind),
        ])  # fmt: skip
    heads = [
        "input spikes per second",
        "drawing, CPU ms per second",
        "sending, CPU ms",
        "reading and firing, CPU ms",
    ]
    return _table(["", *heads, "of all CPU time, by layer"], body)


_HEADINGS = {
    "convolution": "A static convolution: CPU time over scnnbio's in the same precision",
    "threads": "One thread and two: seconds per simulated second",
    "learning": "A kernel that learns by pair STDP: CPU time over scnnbio's",
    "growth": "Memory for a growing number of synapses at a constant number of neurons",
    "input": "Poisson input: drawn in Python, sent through a pipe, read and fired",
}
_TABLES: dict[str, Callable[[dict[str, list[Row]]], list[str]]] = {
    "convolution": lambda rows: [
        *_ratio_table(rows["convolution"]), "", *_memory_table(rows["convolution"])
    ],
    "threads": lambda rows: _threads_table(rows["threads"], rows["convolution"]),
    "learning": lambda rows: _ratio_table(rows["learning"]),
    "growth": lambda rows: _growth_table(rows["growth"]),
    "input": lambda rows: _input_table(rows["input"], rows["convolution"]),
}  # fmt: skip
_MARKS = {
    "hand-written C++": ("k", "|"),
    "hand-written C++, single": ("0.5", "|"),
    "scnnbio, single": ("#0072B2", "<"),
    "Brian2 Synapses": ("#D55E00", "o"),
    "torch, dense steps, single": ("#009E73", "s"),
    "NEST static_synapse": ("#CC79A7", "D"),
}


@styled
def performance_figure(rows: Iterable[Row]) -> Figure:
    """CPU ratios of all configurations, and memory against synapses."""
    rows = list(rows)
    convolution, growth = ([r for r in rows if r["part"] == p] for p in ("convolution", "growth"))
    found = ratios(convolution)
    figure = new_figure(PAGE, 105.0)
    left, right = figure.subplots(1, 2, width_ratios=(2, 1))
    names = list(found)
    for name, (colour, mark) in _MARKS.items():
        values = [found[c].get(name, float("nan")) for c in names]
        left.plot(values, range(len(names)), mark, color=colour, ms=5, label=name, mew=1.5)
    left.axvline(1, color=MODEL, lw=1, label="scnnbio")
    left.set(xscale="log", xlabel="CPU time / that of scnnbio, same precision")
    left.set_yticks(range(len(names)), [_with_unit(name) for name in names])
    left.invert_yaxis()
    for name in ("Brian2 Synapses", "NEST static_synapse"):
        pairs = sorted(
            {r["synapses"]: r["peak_mb"] for r in convolution if label(r) == name}.items()
        )
        colour, mark = _MARKS[name]
        right.plot(*zip(*pairs, strict=True), mark + "-", color=colour, ms=5)
    pairs = sorted({r["synapses"]: r["peak_mb"] for r in growth}.items())
    right.plot(*zip(*pairs, strict=True), "<-", color=MODEL, ms=5)
    right.set(xscale="log", yscale="log", xlabel="synapses", ylabel="peak memory (MB)")
    right.text(
        pairs[0][0], 1.12 * pairs[0][1], "scnnbio", color=MODEL, ha="left", va="bottom"
    )  # fmt: skip
    for letter, axes in zip("AB", (left, right), strict=True):
        panel_letter(axes, letter)
    handles, words = left.get_legend_handles_labels()
    figure.legend(handles, words, loc="outside lower left", ncols=3)
    return figure


def _with_unit(configuration: str) -> str:
    """A configuration as a figure names it: its time step has a unit."""
    return re.sub(r"\bdt ([\d.]+)", r"dt \1 ms", configuration)


def draw(rows: list[Row]) -> None:
    """Put the figure into the documentation, with the digest of what draws it."""
    from docs.pictures import keep

    keep("performance", performance_figure(rows))
