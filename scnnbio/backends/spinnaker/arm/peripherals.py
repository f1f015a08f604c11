"""Peripherals of a SpiNNaker core, as far as sPyNNaker's binaries use them.

Register numbers are those of the SpiNNaker datasheet, version 2.02. Every peripheral is the same at
its address and at its address plus 0x10000000, where writes are buffered on the chip.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

#: Interrupt sources by number.
SOFTWARE, TIMER_1, TIMER_2, PACKET_FULL, PACKET = 1, 4, 5, 6, 24
SENT_EMPTY, DMA_DONE, SYSTEM_CONTROLLER, ALWAYS = 11, 12, 18, 23

_NO_PRIORITY = 16


class Peripheral(ABC):
    """Registers that the processor reads and writes; addresses are relative to the first."""

    @abstractmethod
    def read(self, register: int) -> int:
        """Value of a register."""

    @abstractmethod
    def write(self, register: int, value: int) -> None:
        """Write a register."""


class Ignored(Peripheral):
    """A peripheral that always reads zero, such as the router, which ``Board`` emulates."""

    def read(self, register: int) -> int:
        """Zero."""
        return 0

    def write(self, register: int, value: int) -> None:
        """Ignore the value."""


@dataclass
class Interrupts(Peripheral):
    """The vectored interrupt controller.

    Attributes
    ----------
    raised : int
        Sources that were raised and not cleared, one bit each.
    level : callable
        Returns sources that are raised while a condition holds, such as a waiting packet.
    """

    level: Callable[[], int]
    raised: int = 0
    enabled: int = 0
    fast: int = 0
    default: int = 0
    vectors: list[int] = field(default_factory=lambda: [0] * 16)
    controls: list[int] = field(default_factory=lambda: [0] * 16)
    in_service: list[int] = field(default_factory=list)

    def clear(self) -> None:
        """Reset the controller."""
        self.raised = self.enabled = self.fast = 0
        self.in_service.clear()

    @property
    def active(self) -> int:
        """Sources that are raised, enabled or not."""
        return self.raised | self.level()

    def fast_pending(self) -> bool:
        """Whether an FIQ is pending."""
        return bool(self.active & self.enabled & self.fast)

    def slot(self) -> int:
        """Vector of the pending IRQ source with the highest priority; 16 if none is pending."""
        waiting = self.active & self.enabled & ~self.fast
        if waiting:
            for slot, control in enumerate(self.controls):
                if control & 0x20 and waiting >> (control & 31) & 1:
                    return slot
        return _NO_PRIORITY

    def pending(self) -> bool:
        """Whether an IRQ with a higher priority than the one in service is pending."""
        least = self.in_service[-1] if self.in_service else _NO_PRIORITY
        return self.slot() < least

    def read(self, register: int) -> int:
        """Value of a register."""
        register &= 0xFFF
        if 0x100 <= register < 0x140:
            return self.vectors[(register - 0x100) // 4]
        if 0x200 <= register < 0x240:
            return self.controls[(register - 0x200) // 4]
        if register == 0x30:  # reading the vector also masks interrupts of lower priority
            slot = self.slot()
            self.in_service.append(slot)
            return self.vectors[slot] if slot < _NO_PRIORITY else self.default
        return {
            0x00: self.active & self.enabled & ~self.fast,
            0x04: self.active & self.enabled & self.fast,
            0x08: self.active,
            0x0C: self.fast,
            0x10: self.enabled,
            0x18: self.raised & 1 << SOFTWARE,
            0x34: self.default,
        }.get(register, 0)

    def write(self, register: int, value: int) -> None:
        """Write a register."""
        register &= 0xFFF
        if 0x100 <= register < 0x140:
            self.vectors[(register - 0x100) // 4] = value
        elif 0x200 <= register < 0x240:
            self.controls[(register - 0x200) // 4] = value
        elif register == 0x0C:
            self.fast = value
        elif register == 0x10:
            self.enabled |= value
        elif register == 0x14:
            self.enabled &= ~value
        elif register == 0x18:
            self.raised |= value
        elif register == 0x1C:
            self.raised &= ~value
        elif register == 0x30 and self.in_service:
            self.in_service.pop()
        elif register == 0x34:
            self.default = value


@dataclass
class Comms(Peripheral):
    """The communications controller: multicast packets in and out.

    Attributes
    ----------
    received : deque of (key, payload or None)
    sent : list of int
        Keys of sent packets.
    """

    received: deque[tuple[int, int | None]] = field(default_factory=deque)
    sent: list[int] = field(default_factory=list)
    control: int = 0

    def read(self, register: int) -> int:
        """Value of a register."""
        register &= 0xFF
        if register == 0x00:
            return 0x90000000 | self.control  # the sending buffer is always empty
        if not self.received:
            return 0
        key, payload = self.received[0]
        if register == 0x0C:
            return 0x80000000 | (2 if payload is not None else 0)
        if register == 0x10:
            return payload or 0
        if register == 0x14:
            self.received.popleft()
            return key
        return 0

    def write(self, register: int, value: int) -> None:
        """Write a register."""
        register &= 0xFF
        if register == 0x00:
            self.control = value & 0x0FFFFFFF
        elif register == 0x08:
            self.sent.append(value)


@dataclass
class Timers(Peripheral):
    """Two counters. Only the board raises their interrupts, once per time step."""

    interrupts: Interrupts
    registers: dict[int, int] = field(default_factory=dict)
    count: int = 0

    #: Cycles of the processor in a millisecond.
    cycles = 200_000

    def read(self, register: int) -> int:
        """Value of a register; counters decrease with each read, for code that waits."""
        register &= 0xFF
        if register in (0x04, 0x24):
            self.count = self.count - 7 if self.count > 7 else self.cycles
            return self.count
        return self.registers.get(register, 0)

    def write(self, register: int, value: int) -> None:
        """Write a register."""
        register &= 0xFF
        self.registers[register] = value
        if register == 0x00:
            self.count = value
        elif register == 0x0C:
            self.interrupts.raised &= ~(1 << TIMER_1)
        elif register == 0x2C:
            self.interrupts.raised &= ~(1 << TIMER_2)


@dataclass
class Dma(Peripheral):
    """The DMA controller; transfers complete immediately."""

    processor: int
    copy: Callable[[int, int, int], None]
    registers: dict[int, int] = field(default_factory=dict)
    done: int = 0
    interrupt_on: int = 0

    def raises(self) -> bool:
        """Whether it requests an interrupt."""
        return bool(self.done and self.interrupt_on & 0xC00)

    def read(self, register: int) -> int:
        """Value of a register."""
        register &= 0xFF
        if register == 0x14:
            return self.processor << 24 | (0x400 if self.done else 0)
        return self.registers.get(register, 0)

    def write(self, register: int, value: int) -> None:
        """Write a register."""
        register &= 0xFF
        self.registers[register] = value
        if register == 0x0C:
            system, local = self.registers[0x04], self.registers[0x08]
            outward = value & 1 << 19
            source, target = (local, system) if outward else (system, local)
            self.copy(target, source, value & 0x1FFFF)
            self.done += 1
        elif register == 0x10:
            if value & 0x30:  # abort or restart
                self.done = 0
            elif value & 0x08:
                self.done = max(0, self.done - 1)
        elif register == 0x18:
            self.interrupt_on = value


@dataclass
class SystemController(Peripheral):
    """The chip's system controller, which passes the monitor's interrupts to this core."""

    processor: int
    interrupts: Interrupts

    def read(self, register: int) -> int:
        """Zero: all locks are free, since one core runs at a time."""
        return 0

    def write(self, register: int, value: int) -> None:
        """Clear this core's interrupt."""
        if register & 0xFFF == 0x0C and value >> self.processor & 1:
            self.interrupts.raised &= ~(1 << SYSTEM_CONTROLLER)
