"""One emulated core of a SpiNNaker chip, an ARM968, which runs a binary of sPyNNaker.

unicorn emulates the processor; memory, interrupts, DMA, packets and messages are emulated here. The
duration of instructions and lost packets are not emulated, so no core is ever late.
"""

from __future__ import annotations

import ctypes
import mmap
import struct
from pathlib import Path
from typing import Any

import numpy as np
import unicorn
from numpy.typing import NDArray
from unicorn import arm_const

from scnnbio.backends.spinnaker.arm import memory
from scnnbio.backends.spinnaker.arm.peripherals import (
    ALWAYS,
    DMA_DONE,
    PACKET,
    PACKET_FULL,
    SENT_EMPTY,
    SYSTEM_CONTROLLER,
    TIMER_1,
    Comms,
    Dma,
    Ignored,
    Interrupts,
    Peripheral,
    SystemController,
    Timers,
)
from scnnbio.errors import DataError

_INSTRUCTIONS, _DATA, _STUB = 0x0, 0x400000, 0x900000
_INSTRUCTION_SIZE, _DATA_SIZE = 0x8000, 0x10000
#: Offset of the mirror of each region, whose writes the chip buffers.
_BUFFERED = 0x10000000
_WAIT_FOR_INTERRUPT = bytes.fromhex("900f07ee")
_IRQ, _FIQ, _SUPERVISOR = 0xD2, 0xD1, 0xD3
_VECTORS = {_IRQ: 0x18, _FIQ: 0x1C}
#: Bits of the status register that mask IRQs and FIQs, and the bit of Thumb code.
_NO_IRQ, _NO_FIQ, _THUMB = 0x80, 0x40, 0x20
#: Instructions between two checks of interrupts: if none is pending, and if a masked one is
#: pending. The latter vary, so that no loop can unmask interrupts only between two checks.
_UNMASKED_STEPS, _MASKED_STEPS = 2000, (3, 7, 11, 17)
_MOST_TURNS = 200_000
_COPY, _FILL, _EXECUTE = 2, 3, 4
_STATES = {
    0: "dead",
    2: "error",
    3: "watchdog",
    4: "initialising",
    5: "waiting",
    7: "running",
    8: "at barrier 0",
    9: "at barrier 1",
    10: "paused",
    11: "finished",
}
_SIGNAL, _MESSAGE = 2, 1
#: Magic number and version of a data specification's table, and its entries.
_TABLE_HEADER = (0xAD130AD6, 0x00010000)
_TABLE_ENTRIES = 32


class Core:
    """A core with its own copy of the chip's memory.

    Parameters
    ----------
    number : int
        Number of the core on its chip.

    Attributes
    ----------
    comms : Comms
        Received packets that wait to be read, and sent packets.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.variables = memory.core_variables(number)
        self._uc = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_ARM)
        self._uc.ctl_set_cpu_model(arm_const.UC_CPU_ARM_946)
        self._hooks: list[int] = []
        self._waits: set[int] = set()
        self._idle = False
        self._at = self._thumb = 0
        self._free = memory.REGIONS
        self._regions: dict[int, int] = {}
        self._map_memory()
        self._map_peripherals()
        memory.prepare(self.write)

    def _map_memory(self) -> None:
        self._uc.mem_map(_INSTRUCTIONS, _INSTRUCTION_SIZE)
        self._uc.mem_map(_DATA, _DATA_SIZE)
        self._uc.mem_map(_STUB, 0x1000)
        # Both addresses map to the same memory; these objects must live as long as the core.
        self._shared = []
        for base, size in ((memory.SDRAM, memory.SDRAM_SIZE), (memory.SYSTEM_RAM, 0x8000)):
            block = mmap.mmap(-1, size)
            pointer = ctypes.addressof(ctypes.c_char.from_buffer(block))
            self._shared.append(block)
            for address in (base, base + _BUFFERED):
                self._uc.mem_map_ptr(address, size, unicorn.UC_PROT_ALL, pointer)
        # A stub that enters each mode: msr cpsr_c, #mode; b .
        for place, mode in enumerate((_IRQ, _FIQ, _SUPERVISOR)):
            self.write(_STUB + 16 * place, struct.pack("<2I", 0xE321F000 | mode, 0xEAFFFFFE))
        self._stubs = {_IRQ: _STUB, _FIQ: _STUB + 16, _SUPERVISOR: _STUB + 32}

    def _map_peripherals(self) -> None:
        self.interrupts = Interrupts(self._level)
        self.comms = Comms()
        self.dma = Dma(self.number, self._copy)
        ignored = Ignored()
        placed: dict[int, Peripheral] = {
            0x10000000: self.comms,
            0x11000000: Timers(self.interrupts),
            0x1F000000: self.interrupts,
            0x30000000: self.dma,
            0xE1000000: ignored,  # router
            0xE2000000: SystemController(self.number, self.interrupts),
        }
        for base, peripheral in placed.items():
            for address in (base, base + _BUFFERED):
                self._map(address, 0x10000, peripheral)
        # Vectors are read through the top of memory.
        self._map(0xFFFFF000, 0x1000, self.interrupts)

    def _map(self, address: int, size: int, peripheral: Peripheral) -> None:
        def read(_: Any, offset: int, __: int, ___: Any) -> int:
            return peripheral.read(offset) & 0xFFFFFFFF

        def write(_: Any, offset: int, __: int, value: int, ___: Any) -> None:
            peripheral.write(offset, value)

        self._uc.mmio_map(address, size, read, None, write, None)

    def _level(self) -> int:
        active = 1 << SENT_EMPTY | 1 << ALWAYS
        if self.comms.received:
            active |= 1 << PACKET | 1 << PACKET_FULL
        if self.dma.raises():
            active |= 1 << DMA_DONE
        return active

    def _copy(self, target: int, source: int, length: int) -> None:
        self.write(target, self.read(source, length))

    # Memory

    def read(self, address: int, length: int) -> bytes:
        """Bytes at an address."""
        return bytes(self._uc.mem_read(address, length))

    def write(self, address: int, data: bytes) -> None:
        """Write bytes to an address."""
        self._uc.mem_write(address, data)

    def words(self, address: int, count: int) -> tuple[int, ...]:
        """Words at an address."""
        return struct.unpack(f"<{count}I", self.read(address, 4 * count))

    def write_words(self, address: int, *words: int) -> None:
        """Write words to an address."""
        self.write(address, struct.pack(f"<{len(words)}I", *words))

    def load(self, regions: dict[int, tuple[int, bytes | None]]) -> None:
        """Write the regions of a data specification to memory, with a table of their addresses.

        Parameters
        ----------
        regions : dict of int to (size, content)
            By number.
        """
        table = self._free
        self._free += 8 + _TABLE_ENTRIES * 12 + 64
        self.write_words(table, *_TABLE_HEADER, *([0] * 3 * _TABLE_ENTRIES))
        for number, (size, content) in regions.items():
            address = (self._free + 63) & ~63
            self._free = address + size + 64
            if content:
                self.write(address, content)
            self.write_words(table + 8 + 12 * number, address, 0, 0)
            self._regions[number] = address
        self.write_words(self.variables + 112, table)

    def set_user(self, number: int, value: int) -> None:
        """Set one of the registers with which the host passes values to an application."""
        self.write_words(self.variables + 112 + 4 * number, value)

    # Running

    def boot(self, path: Path, application: int = 30) -> None:
        """Load a binary and run it until it waits.

        Parameters
        ----------
        path : Path
            An ``.aplx`` file.
        application : int
            Application identifier, which the monitor passes on a real board.
        """
        entry = self._load_binary(path.read_bytes())
        self.interrupts.clear()
        self.comms.received.clear()
        self.dma.done = 0
        self._enter(_SUPERVISOR)
        self._uc.reg_write(arm_const.UC_ARM_REG_R0, application)
        self._at, self._thumb = entry, 0
        self.run()

    def _load_binary(self, data: bytes) -> int:
        """Carry out the file's list of copies and fills; returns the entry address."""
        place = 0
        while True:
            operation, address, first, second = struct.unpack_from("<4I", data, place)
            if operation == _COPY:
                start = place + first
                content = data[start : start + second]
                self.write(address, content.ljust((second + 3) // 4 * 4, b"\0"))
            elif operation == _FILL:
                self.write(address, struct.pack("<I", second) * ((first + 3) // 4))
            elif operation == _EXECUTE:
                break
            else:
                raise DataError(f"a binary with operation {operation}, which is unknown")
            place += 16
        code = self.read(_INSTRUCTIONS, _INSTRUCTION_SIZE)
        for hook in self._hooks:
            self._uc.hook_del(hook)
        self._waits = {
            at for at in range(0, len(code), 4) if code[at : at + 4] == _WAIT_FOR_INTERRUPT
        }
        self._hooks = [
            self._uc.hook_add(unicorn.UC_HOOK_CODE, self._wait, begin=at, end=at)
            for at in self._waits
        ]
        self._uc.ctl_remove_cache(_INSTRUCTIONS, _INSTRUCTION_SIZE)
        return int(address)

    def _wait(self, uc: Any, address: int, size: int, data: Any) -> None:
        self._idle = True
        uc.emu_stop()

    def _enter(self, mode: int) -> None:
        stub = self._stubs[mode]
        self._uc.emu_start(stub, stub + 4)

    def _interrupt(self, mode: int) -> None:
        """Enter an exception; status and return address are saved."""
        status = self._uc.reg_read(arm_const.UC_ARM_REG_CPSR)
        self._enter(mode)
        self._uc.reg_write(arm_const.UC_ARM_REG_LR, self._at + 4)
        self._uc.reg_write(arm_const.UC_ARM_REG_SPSR, status)
        self._at, self._thumb = _VECTORS[mode], 0

    def _step(self, count: int) -> None:
        try:
            self._uc.emu_start(self._at | self._thumb, 0xFFFFFFF0, count=count)
        except unicorn.UcError as error:
            raise self._failed(str(error)) from None
        self._at = self._uc.reg_read(arm_const.UC_ARM_REG_PC)
        status = self._uc.reg_read(arm_const.UC_ARM_REG_CPSR)
        self._thumb = 1 if status & _THUMB else 0

    def run(self) -> None:
        """Run until the core waits for an interrupt and none is due.

        Raises
        ------
        DataError
            If it fails, or does not wait.
        """
        for turn in range(_MOST_TURNS):
            status = self._uc.reg_read(arm_const.UC_ARM_REG_CPSR)
            fast, slow = self.interrupts.fast_pending(), self.interrupts.pending()
            if fast and not status & _NO_FIQ:
                self._interrupt(_FIQ)
            elif slow and not status & _NO_IRQ:
                self._interrupt(_IRQ)
            self._idle = False
            pending = fast or slow
            self._step(_MASKED_STEPS[turn % len(_MASKED_STEPS)] if pending else _UNMASKED_STEPS)
            if self._idle:
                if self._at in self._waits:
                    self._at += 4
                if self.state == "error":
                    raise self._failed("a run-time error")
                if not self.interrupts.active & self.interrupts.enabled:
                    return
        raise self._failed("it does not wait for an interrupt")

    def _failed(self, why: str) -> DataError:
        said = " ".join(self.text().split())[-300:]
        return DataError(
            f"the emulated core stopped at {self._at:#x}: {why}; {said or 'it wrote no message'}",
            where=f"core {self.number}",
        )

    @property
    def state(self) -> str:
        """State that the core reports."""
        number = self.read(self.variables + 46, 1)[0]
        return _STATES.get(number, f"state {number}")

    def expect(self, state: str) -> None:
        """Raise a DataError unless the core is in a state."""
        if self.state != state:
            raise self._failed(f"it is {self.state} and not {state}")

    def text(self) -> str:
        """Content of the core's text buffer, in which sPyNNaker's messages are numbers."""
        (place,) = self.words(self.variables + 88, 1)
        found = b""
        while place:
            place_after, _, _, length = self.words(place, 4)
            found += self.read(place + 16, length)
            place = place_after
        return found.decode("latin1")

    # Actions of the host and the monitor

    def _message(self, port: int, command: int, argument: int, data: bytes) -> None:
        """Deliver a message of the host in one of the monitor's buffers."""
        (buffer,) = self.words(memory.FREE_MESSAGES, 1)
        self.write_words(memory.FREE_MESSAGES, *self.words(buffer, 1))
        header = struct.pack(
            "<IHHBBBBHHHHIII",
            *(0, 8 + 16 + len(data), 0, 0x87, 0xFF, port << 5 | self.number, 0xFF, 0, 0),
            *(command, 0, argument, 0, 0),
        )
        self.write(buffer, (header + data).ljust(292, b"\0"))
        self.write_words(self.variables + 48, buffer)
        self._call(_MESSAGE)
        # A reply uses a buffer of the same list, which is returned to it.
        if self.read(self.variables + 57, 1)[0] == _MESSAGE:
            (reply,) = self.words(self.variables + 52, 1)
            self.write_words(reply, *self.words(memory.FREE_MESSAGES, 1))
            self.write_words(memory.FREE_MESSAGES, reply)
            self.write(self.variables + 57, b"\0")

    def _call(self, command: int) -> None:
        self.write(self.variables + 56, bytes([command]))
        self.interrupts.raised |= 1 << SYSTEM_CONTROLLER
        self.run()

    def start(self, steps: int) -> None:
        """Let a paused simulation run for a number of steps."""
        simulation_port, set_runtime = 3, 7
        self._message(simulation_port, set_runtime, steps, struct.pack("<I", 0))
        self._call(_SIGNAL)

    def tick(self, step: int) -> None:
        """Raise the timer's tick, and run until the core waits."""
        self.write(memory.CLOCK, struct.pack("<Q", step))
        self.interrupts.raised |= 1 << TIMER_1
        self.run()

    def receive(self, key: int) -> None:
        """Receive a multicast packet, and run until the core waits."""
        self.comms.received.append((key, None))
        self.run()

    def recorded(self, region: int, channel: int) -> NDArray[np.uint32]:
        """Words that the core recorded on a channel of its recording region."""
        entry = self._regions[region] + 4 + 12 * channel
        _, size, address = self.words(entry, 3)
        size &= 0x7FFFFFFF  # the top bit says that memory ran out
        return np.frombuffer(self.read(address, size), "<u4") if size else np.zeros(0, np.uint32)
