"""Structures that SpiNNaker's monitor provides in memory for application cores.

The monitor, SCAMP, keeps a structure of the system at the top of the chip's system memory, and one
for each core below it; applications reach heaps, message buffers and tables through these. Offsets
are those of ``sark.h`` in SpiNNaker's low-level library.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

SDRAM, SYSTEM_RAM = 0x60000000, 0xE5000000
SYSTEM_VARIABLES, CORE_VARIABLES = SYSTEM_RAM + 0x7F00, SYSTEM_RAM + 0x7000
#: Bytes of a core's structure.
_CORE_SIZE = 128
_CORES = 18

MEGABYTE = 1 << 20
#: Twice the memory of a chip: sPyNNaker plans recordings that fill a chip, and here each core has
#: its data in addition.
SDRAM_SIZE = 256 * MEGABYTE
#: Address of the regions of the data specification; the other structures are above it.
REGIONS = SDRAM + 0x1000
_SYSTEM_HEAP = (SDRAM + 64 * MEGABYTE, SDRAM + 66 * MEGABYTE)
_TABLES = SDRAM + 67 * MEGABYTE
_APPLICATION_HEAP = (SDRAM + 68 * MEGABYTE, SDRAM + 255 * MEGABYTE)
_SYSTEM_BUFFER = SDRAM + 255 * MEGABYTE
_RAM_HEAP = (SYSTEM_RAM + 0x1000, SYSTEM_RAM + 0x4000)
_MESSAGES, _MESSAGE_SIZE, _MESSAGE_COUNT = SYSTEM_RAM + 0x4000, 296, 7

#: Root of the list of free message buffers.
FREE_MESSAGES = SYSTEM_VARIABLES + 0x68
#: Time in steps, as cores read it.
CLOCK = SYSTEM_VARIABLES + 0x10

Write = Callable[[int, bytes], None]


def core_variables(number: int) -> int:
    """Address of a core's structure."""
    return CORE_VARIABLES + _CORE_SIZE * number


def prepare(write: Write) -> None:
    """Write the system's structures.

    Parameters
    ----------
    write : callable
        ``write(address, bytes)``.
    """
    for address, end in (_SYSTEM_HEAP, _APPLICATION_HEAP, _RAM_HEAP):
        _heap(write, address, end)
    for offset, kind, value in (
        (0x24, "H", 200),  # MHz of the processors
        (0x26, "H", 130),  # MHz of the memory
        (0x48, "I", _RAM_HEAP[0]),
        (0x4C, "I", _APPLICATION_HEAP[0]),
        (0x50, "I", 16384),  # bytes of a core's text buffer
        (0x54, "I", _SYSTEM_BUFFER),
        (0x58, "I", 1024),
        (0x68, "I", _MESSAGES),
        (0xBC, "B", _CORES),
        (0xCC, "I", CORE_VARIABLES),
        (0xD0, "I", _SYSTEM_HEAP[0]),
        (0xD4, "I", _TABLES + 0xC0000),
        (0xDC, "I", _TABLES),
        (0xE4, "I", _TABLES + 0x80000),
        (0xE8, "I", _MESSAGES),
        (0xFC, "I", 0x040000),  # version of the monitor
        *((0x94 + core, "B", core) for core in range(_CORES)),  # physical to virtual
        *((0xA8 + core, "B", core) for core in range(_CORES)),  # virtual to physical
    ):
        write(SYSTEM_VARIABLES + offset, struct.pack("<" + kind, value))
    for index in range(_MESSAGE_COUNT):
        here = _MESSAGES + index * _MESSAGE_SIZE
        after = here + _MESSAGE_SIZE if index < _MESSAGE_COUNT - 1 else 0
        write(here, struct.pack("<I", after))


def _heap(write: Write, base: int, end: int) -> None:
    """An empty heap: a header, one free block, and an end."""
    first, last = base + 16, end - 8
    write(base, struct.pack("<4I", first, first, last, last - first - 8))
    write(first, struct.pack("<2I", last, 0))
    write(last, struct.pack("<2I", 0, 0))
