"""Convolutions that go from target to target, against one that goes from event to event.

The oracle is written from the definition: the weight between a place of the input and one of the
output is the tap at their distance. Sums have to agree to the bit, so each target must get its
events in the order of the list.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from scnnbio.backends.brian2 import program
from scnnbio.backends.brian2.compiling import _FLAGS

#: C, H, W, O, OH, OW, KH, KW, SY, SX, PY, PX, FIRST, and rows and columns of blocks of equal taps.
SHAPES = (
    (3, 9, 8, 37, 9, 8, 3, 5, 1, 1, 1, 2, 0, 1, 1),
    (2, 12, 12, 32, 5, 5, 4, 4, 2, 2, 0, 0, 64, 2, 2),
    (2, 11, 12, 21, 4, 4, 6, 4, 2, 3, 1, 1, 0, 2, 1),
    (4, 6, 6, 10, 1, 1, 6, 6, 1, 1, 0, 0, 0, 3, 2),
    (50, 1, 1, 128, 1, 1, 1, 1, 1, 1, 0, 0, 0, 1, 1),
    (9, 5, 5, 3, 5, 5, 3, 3, 1, 1, 1, 1, 0, 1, 1),
)
_CHECK = """
template <class Real, bool WEIGHTED, bool FIXED> void check_{k}(int events, bool sorted) {{
    enum {{ C = {0}, H = {1}, W = {2}, O = {3}, OH = {4}, OW = {5}, KH = {6}, KW = {7},
           SY = {8}, SX = {9}, PY = {10}, PX = {11}, FIRST = {12}, ROWS = {13}, COLUMNS = {14} }};
    std::mt19937 rng(7);
    std::uniform_real_distribution<double> drawn(-1, 1);
    std::vector<Real> taps(FIRST + C * KH * KW * O), to(OH * OW * O), wanted;
    for (auto &tap : taps) tap = drawn(rng);
    for (int t = 0; t < C * KH * KW; t++) {{
        const int row = t / KW, first = (row / ROWS * ROWS) * KW + t % KW / COLUMNS * COLUMNS;
        for (int o = 0; o < O; o++) taps[FIRST + t * O + o] = taps[FIRST + first * O + o];
    }}
    for (auto &v : to) v = drawn(rng);
    wanted = to;
    std::vector<int32_t> list(C * H * W);
    std::iota(list.begin(), list.end(), 0);
    std::shuffle(list.begin(), list.end(), rng);
    list.resize(std::min<int>(events, list.size()));
    if (sorted) std::sort(list.begin(), list.end());
    const Real weight = WEIGHTED ? Real(0.3) : Real(1);
    for (int32_t event : list) {{
        const int c = event % C, x = event / C % W, y = event / C / W;
        for (int oy = 0; oy < OH; oy++) for (int ox = 0; ox < OW; ox++) {{
            const int ky = y + PY - oy * SY, kx = x + PX - ox * SX;
            if (ky < 0 || ky >= KH || kx < 0 || kx >= KW) continue;
            for (int o = 0; o < O; o++) {{
                const Real tap = taps[FIRST + ((c * KH + ky) * KW + KW - 1 - kx) * O + o];
                wanted[(oy * OW + ox) * O + o] += WEIGHTED ? weight * tap : tap;
            }}
        }}
    }}
    scnnbio::Gathering<
        Real, WEIGHTED, FIXED, C, H, W, O, OH, OW, KH, KW, SY, SX, PY, PX, FIRST> made;
    for (int again = 0; again < 2; again++) {{
        const bool pays = made.pays(taps.data(), list.data(), list.size());
        auto found = to;
        if (pays) {{
            made.add(weight, found.data(), OH / 2, OH);  // in two turns, as two threads do
            made.add(weight, found.data(), 0, OH / 2);
        }}
        const bool same = !std::memcmp(found.data(), wanted.data(), found.size() * sizeof(Real));
        std::printf("%d %d %d %d %d %d\\n", {k}, WEIGHTED, FIXED, events, pays, pays ? same : -1);
    }}
}}
template <class Real> void all_{k}() {{
    for (int events : {{0, 1, 20, 100000}}) {{
        check_{k}<Real, false, false>(events, true);
        check_{k}<Real, true, true>(events, true);
        check_{k}<Real, false, true>(events, true);
    }}
    check_{k}<Real, false, true>(100000, false);
}}
"""


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[list[int]]:
    """Shape, weighted, fixed, events, whether it pays, and whether it is the same."""
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("needs g++")
    folder = tmp_path_factory.mktemp("gathering")
    header = Path(program.__file__).with_name("templates") / "gathering.h"
    names = ("algorithm", "cstdio", "numeric", "random")
    text = "".join(f"#include <{name}>\n" for name in names) + f'#include "{header}"\n'
    text += "".join(_CHECK.format(*shape, k=k) for k, shape in enumerate(SHAPES))
    calls = "".join(f"all_{k}<double>(); all_{k}<float>();" for k in range(len(SHAPES)))
    (folder / "check.cpp").write_text(f"{text}int main() {{ {calls} }}\n")
    # Without optimisation it compiles in a few seconds.
    flags = [flag for flag in _FLAGS if flag != "-O3"]
    subprocess.run([compiler, *flags, "check.cpp", "-o", "check"], cwd=folder, check=True)
    done = subprocess.run([folder / "check"], capture_output=True, text=True, check=True)
    return [list(map(int, line.split())) for line in done.stdout.splitlines()]


@pytest.mark.slow
def test_sums_are_those_of_event_after_event(rows: list[list[int]]) -> None:
    assert all(same for *_, same in rows)
    # Each shape is gathered, with and without a weight, and with the kernel fixed or not.
    gathered = {tuple(row[:3]) for row in rows if row[4]}
    assert gathered == {(k, *how) for k in range(len(SHAPES)) for how in ((0, 0), (1, 1), (0, 1))}


@pytest.mark.slow
def test_few_events_and_lists_out_of_order_are_left_alone(rows: list[list[int]]) -> None:
    assert not any(pays for *_, events, pays, _ in rows if events == 0)
    unsorted = rows[24::26] + rows[25::26]
    # A single place has no order.
    assert {k for k, *_, pays, _ in unsorted if pays} == {4}
