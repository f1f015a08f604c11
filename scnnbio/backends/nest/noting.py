"""Notes of compiled neurons about states that are not finite, and how Python reads them."""

from __future__ import annotations

import _ctypes
import ctypes
from collections.abc import Iterable

# At the end of a step, a compiled neuron notes a state that is NaN or infinite; the earliest note
# is kept. It does not throw: if a thread leaves, NEST's other threads wait for it endlessly.
LOOK_BEFORE = "    // voltage logging\n"
LOOK = """    if (!std::isfinite(S_.s_{0}))
      note_not_finite("{0}", get_node_id(), origin.get_steps() + lag + 1);
"""
NOTE = """#include <cmath>
#include <cstdio>
#include <mutex>
struct NotFinite { long step, node; char state[64]; };
extern "C" __attribute__((visibility("protected"))) NotFinite scnnbio_not_finite;
NotFinite scnnbio_not_finite = { 0, 0, "" };
static void note_not_finite(const char* state, long node, long step)
{
  static std::mutex one_at_a_time;
  std::lock_guard<std::mutex> lock(one_at_a_time);
  NotFinite& first = scnnbio_not_finite;
  if (first.step && (step > first.step || (step == first.step && node >= first.node)))
    return;
  first.step = step;
  first.node = node;
  std::snprintf(first.state, sizeof first.state, "%s", state);
}
"""


class NotFiniteNote(ctypes.Structure):
    """Note of compiled neurons about the first NaN or infinite state; step 0 if there is none."""

    _fields_ = (("step", ctypes.c_long), ("node", ctypes.c_long), ("state", ctypes.c_char * 64))


def take_notes(modules: Iterable[str]) -> list[tuple[int, int, str]]:
    """Read and clear the notes of neurons in loaded modules: (step, node, state)."""
    found = []
    for path in modules:
        library = ctypes.CDLL(f"{path}.so")
        try:
            note = NotFiniteNote.in_dll(library, "scnnbio_not_finite")
            if note.step:
                found.append((note.step, note.node, note.state.decode()))
                note.step = 0
        except ValueError:  # a module of kernels, which has no neurons
            pass
        finally:
            # NEST's reset can unload a module only if no other handle is open.
            _ctypes.dlclose(library._handle)
    return found
