"""HTML tables and drawings for notebooks. All text is escaped."""

from __future__ import annotations

import html
import itertools
import reprlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

#: Most rows of a table that are shown.
_ROWS = 40
_WIDTH, _HEIGHT, _GAP, _LANE = 132, 58, 108, 34


@dataclass(frozen=True)
class Box:
    """A population in a drawing.

    Parameters
    ----------
    name : str
    lines : tuple of str
        Lines below the name.
    """

    name: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Arrow:
    """A projection in a drawing.

    Parameters
    ----------
    pre, post : str
        Names of boxes.
    label : str
    sign : int
        1 excites, drawn with an arrowhead; -1 inhibits, with a bar; 0 may do both, with a circle.
    plastic : bool
        Drawn as a dashed line.
    """

    pre: str
    post: str
    label: str
    sign: int
    plastic: bool = False


def escaped(value: Any) -> str:
    """Text escaped for HTML, also within attributes."""
    return html.escape(str(value), quote=True)


def short(value: Any) -> str:
    """A short text for a value: numbers with four digits, arrays as shape and range."""
    if isinstance(value, np.ndarray) and value.size > 1:
        size = sized(value.shape)
        if value.dtype.kind not in "iuf":
            return f"{size} values"
        return f"{size} values, {value.min():.4g} to {value.max():.4g}"
    if isinstance(value, np.ndarray | np.generic) and np.size(value) == 1:
        value = np.asarray(value).item()
    if isinstance(value, bool | str) or value is None:
        text = " ".join(str(value).split())
        return text if len(text) <= 200 else f"{text[:197]}..."
    if isinstance(value, float):
        return f"{value:,.0f}" if value.is_integer() and abs(value) < 1e9 else f"{value:.4g}"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, Mapping):
        return "; ".join(
            f"{key}: {short(item)}" for key, item in itertools.islice(value.items(), 8)
        )
    if isinstance(value, list | tuple) and len(value) <= 8:
        return ", ".join(map(short, value))
    return reprlib.repr(value)


def listed(names: Iterable[str], most: int = 6) -> str:
    """Names joined by commas, at most the first few; "none" for no names."""
    names = [short(name) for name in names]
    more = f", and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more or "none"


def sized(shape: Iterable[int]) -> str:
    """A shape as text."""
    return " x ".join(map(str, shape))


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """An HTML table of shortened values."""
    rows = list(rows)
    cells = "".join(f"<th>{escaped(name)}</th>" for name in head)
    body = [
        "<tr>" + "".join(f"<td>{escaped(_cell(value))}</td>" for value in row) + "</tr>"
        for row in rows[:_ROWS]
    ]
    if len(rows) > _ROWS:
        more = f"and {len(rows) - _ROWS:,} more"
        body.append(f'<tr><td colspan="{len(head)}">{more}</td></tr>')
    return f"<table><thead><tr>{cells}</tr></thead><tbody>{''.join(body)}</tbody></table>"


def _cell(value: Any) -> str:
    return "" if value is None else short(value)


def section(title: str, *parts: str) -> str:
    """A title (text) above parts (HTML)."""
    return f"<div><strong>{escaped(title)}</strong>{''.join(parts)}</div>"


def drawing(boxes: Sequence[Box], arrows: Sequence[Arrow]) -> str:
    """Draw boxes from left to right, in columns by their longest path from a box without input.

    Parameters
    ----------
    boxes : sequence of Box
        Their names must differ.
    arrows : sequence of Arrow

    Returns
    -------
    str
        One inline SVG in the colour of the text around it.
    """
    column = _columns([box.name for box in boxes], arrows)
    stacks: dict[int, list[str]] = {}
    for name, place in column.items():
        stacks.setdefault(place, []).append(name)
    tallest = max(map(len, stacks.values()), default=1)
    loops = Counter(arrow.pre for arrow in arrows if arrow.pre == arrow.post)
    above, row = 32 + 14 * max(loops.values(), default=0), _HEIGHT + 56
    corner = {
        name: (
            8.0 + place * (_WIDTH + _GAP),
            above + (tallest - len(stacks[place])) * row / 2 + k * row,
        )
        for place, names in stacks.items()
        for k, name in enumerate(names)
    }
    below = sum(a.pre != a.post and not _is_next(a, column) for a in arrows)
    width = 16 + (max(stacks, default=0) + 1) * (_WIDTH + _GAP) - _GAP
    height = above + tallest * row - 30 + below * _LANE
    lines = _lines(arrows, column, corner, above + tallest * row - 48)
    drawn = [*lines, *(_box(box, *corner[box.name]) for box in boxes)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}"'
        f' viewBox="0 0 {width:g} {height:g}" role="img" font-family="sans-serif" font-size="11"'
        f' fill="none" stroke="currentColor">{"".join(drawn)}</svg>'
    )


def _columns(names: Sequence[str], arrows: Sequence[Arrow]) -> dict[str, int]:
    """Longest path of arrows to each box; arrows that close a cycle are left out."""
    onward: dict[str, list[str]] = {name: [] for name in names}
    for arrow in arrows:
        if arrow.pre != arrow.post and not _leads(onward, arrow.post, arrow.pre):
            onward[arrow.pre].append(arrow.post)
    column: dict[str, int] = dict.fromkeys(names, 0)
    for _ in names:
        for name in names:
            for other in onward[name]:
                column[other] = max(column[other], column[name] + 1)
    return column


def _leads(onward: Mapping[str, Sequence[str]], begin: str, end: str) -> bool:
    """Whether a path of arrows leads from one box to another."""
    seen, open_ = {begin}, [begin]
    while open_:
        for name in onward[open_.pop()]:
            if name not in seen:
                seen.add(name)
                open_.append(name)
    return end in seen


def _box(box: Box, x: float, y: float) -> str:
    rows = [(box.name, "bold"), *((line, "normal") for line in box.lines)]
    texts = [
        f'<text x="{x + _WIDTH / 2:g}" y="{y + 19 + 15 * k:g}" text-anchor="middle"'
        f' font-weight="{weight}" fill="currentColor" stroke="none">{_cut(text, 20)}</text>'
        for k, (text, weight) in enumerate(rows)
    ]
    title = escaped("\n".join((box.name, *box.lines)))
    return (
        f'<g><title>{title}</title><rect x="{x:g}" y="{y:g}" width="{_WIDTH}" height="{_HEIGHT}"'
        f' rx="6" fill="currentColor" fill-opacity="0.06"/>{"".join(texts)}</g>'
    )


def _is_next(arrow: Arrow, column: Mapping[str, int]) -> bool:
    """Whether an arrow leads to the next column, so that no box is between."""
    return column[arrow.post] == column[arrow.pre] + 1


def _lines(
    arrows: Sequence[Arrow],
    column: Mapping[str, int],
    corner: Mapping[str, tuple[float, float]],
    lowest: float,
) -> list[str]:
    """All arrows: to the next column directly, loops above their box, others below all boxes."""
    drawn = []
    used: dict[tuple[str, str], int] = {}
    lane = 0
    for arrow in arrows:
        pre, post = corner[arrow.pre], corner[arrow.post]
        if arrow.pre == arrow.post:
            drawn.append(_to_itself(arrow, pre, used.get((arrow.pre, "above"), 0)))
            used[arrow.pre, "above"] = used.get((arrow.pre, "above"), 0) + 1
        elif _is_next(arrow, column):
            leaves = _share(used, arrow.pre, "right", arrows, column) * _HEIGHT
            arrives = _share(used, arrow.post, "left", arrows, column) * _HEIGHT
            begin, end = (pre[0] + _WIDTH, pre[1] + leaves), (post[0], post[1] + arrives)
            drawn.append(_onward(arrow, begin, end))
        else:
            lane += 1
            drawn.append(_below(arrow, pre, post, lowest + lane * _LANE, 12.0 * (lane % 4)))
    return drawn


def _to_itself(arrow: Arrow, corner: tuple[float, float], earlier: int) -> str:
    x, y = corner
    left, right = x + 40 - 8 * earlier, x + _WIDTH - 40 + 8 * earlier
    top = y - 22 - 18 * earlier
    path = f"M{left:g} {y:g} C{left:g} {top:g} {right:g} {top:g} {right:g} {y - 4:g}"
    return _arrow(arrow, path, (right, y), (0, 1), (x + _WIDTH / 2, top + 2))


def _onward(arrow: Arrow, begin: tuple[float, float], end: tuple[float, float]) -> str:
    (x0, y0), (x1, y1) = begin, end
    middle = (x0 + x1) / 2
    path = f"M{x0:g} {y0:g} C{middle:g} {y0:g} {middle:g} {y1:g} {x1 - 4:g} {y1:g}"
    return _arrow(arrow, path, end, (1, 0), (middle, (y0 + y1) / 2 - 4))


def _below(
    arrow: Arrow,
    pre: tuple[float, float],
    post: tuple[float, float],
    below: float,
    aside: float,
) -> str:
    begin, end = pre[0] + _WIDTH / 2 - 18 + aside, post[0] + _WIDTH / 2 - 18 + aside
    begin += 24 if begin == end else 0
    y0, y1 = pre[1] + _HEIGHT, post[1] + _HEIGHT
    path = f"M{begin:g} {y0:g} C{begin:g} {below:g} {end:g} {below:g} {end:g} {y1 + 4:g}"
    # The middle of the curve, with room for the label below it.
    middle = (begin + end) / 2, (y0 + y1) / 8 + 0.75 * below + 12
    return _arrow(arrow, path, (end, y1), (0, -1), middle)


def _share(
    used: dict[tuple[str, str], int],
    name: str,
    side: str,
    arrows: Sequence[Arrow],
    column: Mapping[str, int],
) -> float:
    """Position of the next arrow at a side of a box; positions are evenly spaced."""
    end = "pre" if side == "right" else "post"
    total = sum(getattr(a, end) == name and _is_next(a, column) for a in arrows)
    used[name, side] = used.get((name, side), 0) + 1
    return used[name, side] / (total + 1)


def _arrow(
    arrow: Arrow,
    path: str,
    tip: tuple[float, float],
    along: tuple[int, int],
    label: tuple[float, float],
) -> str:
    (x, y), (dx, dy) = tip, along
    if arrow.sign > 0:
        points = f"{x:g},{y:g} " + " ".join(
            f"{x - 8 * dx + side * 4 * dy:g},{y - 8 * dy + side * 4 * dx:g}" for side in (1, -1)
        )
        end = f'<polygon points="{points}" fill="currentColor"/>'
    elif arrow.sign < 0:
        cx, cy = x - 4 * dx, y - 4 * dy
        end = (
            f'<line x1="{cx + 6 * dy:g}" y1="{cy + 6 * dx:g}" x2="{cx - 6 * dy:g}"'
            f' y2="{cy - 6 * dx:g}" stroke-width="2.5"/>'
        )
    else:
        end = f'<circle cx="{x - 4 * dx:g}" cy="{y - 4 * dy:g}" r="4" fill="currentColor"/>'
    dashed = ' stroke-dasharray="5 3"' if arrow.plastic else ""
    effect = {1: "excites", -1: "inhibits", 0: "excites or inhibits"}[arrow.sign]
    title = escaped(f"{arrow.label}: {effect}{', learns' if arrow.plastic else ''}")
    return (
        f'<g><title>{title}</title><path d="{path}"{dashed}/>{end}<text x="{label[0]:g}"'
        f' y="{label[1]:g}" text-anchor="middle" font-size="10" fill="currentColor"'
        f' stroke="none">{_cut(arrow.label, 17)}</text></g>'
    )


def _cut(text: str, most: int) -> str:
    return escaped(text if len(text) <= most else f"{text[: most - 1]}…")
