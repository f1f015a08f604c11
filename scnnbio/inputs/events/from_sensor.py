"""The input that plays the events of a simulated sensor."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, final

from numpy.typing import NDArray

from scnnbio.errors import SpecError
from scnnbio.inputs.base import Draw, Input, Shape, Trial, check_trial
from scnnbio.inputs.events.playing import Polarity, Repeated, channels, check_choices, played
from scnnbio.inputs.events.sensor import EventSensor
from scnnbio.inputs.events.stream import Events
from scnnbio.inputs.foreign import checked_frames
from scnnbio.stimuli.base import Files, Stimulus


@final
@dataclass(frozen=True, eq=False)
class FromSensor(Input):
    """Events that a simulated sensor sends while it sees a stimulus, one pixel per cell.

    Parameters
    ----------
    stimulus : Stimulus
        Its contrast c is seen as light of 1 + c.
    sensor : EventSensor
    polarity, repeated
        As for :class:`FromEvents`.
    shuffled : bool
        Permute the times of the events of a trial: a control that keeps each pixel's count and
        each trial's course in time, and destroys what is between pixels.

    Raises
    ------
    SpecError
        If an argument is not as described.
    """

    stimulus: Stimulus
    sensor: EventSensor = field(default_factory=EventSensor)
    polarity: Polarity = "both"
    repeated: Repeated = "refuse"
    shuffled: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.stimulus, Stimulus):
            raise SpecError(f"{self.stimulus!r} is not a stimulus", where="FromSensor.stimulus")
        if not isinstance(self.sensor, EventSensor):
            raise SpecError(f"{self.sensor!r} is not an EventSensor", where="FromSensor.sensor")
        if not isinstance(self.shuffled, bool):
            raise SpecError(f"{self.shuffled!r} is not true or false", where="FromSensor.shuffled")
        check_choices(self.polarity, self.repeated, "FromSensor")

    @property
    def n_trials(self) -> int:
        """Number of trials."""
        return self.stimulus.n_trials

    @property
    def duration(self) -> float:
        """Duration of one trial (ms)."""
        return self.stimulus.duration

    @property
    def shape(self) -> tuple[int | None, int | None, int | None]:
        """ON and OFF or one channel, of any size."""
        return channels(self.polarity), None, None

    @property
    def files(self) -> Files:
        """The files from which the frames are made."""
        return self.stimulus.files

    def events(self, trial: int, draw: Draw) -> Events:
        """What the sensor sends in one trial.

        Parameters
        ----------
        trial : int
        draw : Draw

        Returns
        -------
        Events
        """
        check_trial(trial, self.n_trials, "FromSensor")
        shape: Shape = draw.shape
        frames = self.stimulus.frames(trial, shape[1:], draw.scene)
        frames = checked_frames(frames, shape[1:], self.stimulus)
        events = self.sensor.record(1.0 + frames, self.duration / len(frames), draw.rng)
        return events.shuffled(draw.rng) if self.shuffled else events

    def spikes(self, trial: int, draw: Draw) -> Trial:
        """Spikes of one trial. See :meth:`Input.spikes`."""
        events = self.events(trial, draw)
        where = f"FromSensor trial {trial}"
        return played(events, self.duration, draw.dt, self.polarity, self.repeated, where)

    def table(self) -> dict[str, NDArray[Any]]:
        """Parameters of the stimulus that differ between trials."""
        return self.stimulus.table()
