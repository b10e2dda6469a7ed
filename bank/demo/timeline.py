"""Six months that end yesterday: whoever lives in them is a generator that says how many days it waits.

The days are the same at every run, whatever today is: what is drawn does not depend on the calendar, only the
dates written do (nobody works at the weekend).
"""

import heapq
from collections.abc import Generator
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta

from bank import db
from bank.web.pages import PARIS, today_in_paris

LAST = 182
OPENS, HOURS = 8.5, 8.0
# Two acts are never at the same moment.
BETWEEN = timedelta(seconds=15)

# An act at each turn; what it gives is the number of days until its next one.
Process = Generator[float, None, None]


@dataclass
class Timeline:
    """The acts that are to come, in their order. `now` is the real moment at which the demo is made."""

    now: datetime
    clock: datetime = field(init=False)
    # The day of the story on which somebody acts.
    day: float = 0
    _waiting: list[tuple[float, int, Process]] = field(default_factory=list)
    _begun: int = 0

    def __post_init__(self) -> None:
        self.clock = self.moment(0)

    def moment(self, day: float) -> datetime:
        """When a day of the story is: working hours in Paris; a weekend's past is Friday, its future Monday."""
        whole = int(day)
        date = today_in_paris(self.now) + timedelta(days=whole - LAST - 1)
        if date.weekday() > 4:
            date += timedelta(days=7 - date.weekday() if whole > LAST else 4 - date.weekday())
        opening = datetime.combine(date, time.min, PARIS) + timedelta(hours=OPENS)
        return opening + timedelta(hours=(day - whole) * HOURS)

    def begin(self, day: float, process: Process) -> None:
        """Have somebody begin on a day."""
        self._begun += 1
        heapq.heappush(self._waiting, (day, self._begun, process))

    def run(self) -> None:
        """Live until the last day; whoever would act later is left waiting."""
        while self._waiting and self._waiting[0][0] < LAST + 1:
            day, _, process = heapq.heappop(self._waiting)
            self._act(self.moment(day), process, day)

    def just_now(self, ago: timedelta, process: Process) -> None:
        """Have somebody act a moment before now, when all the rest is done."""
        self._act(self.now - ago, process, LAST + 1)

    def _act(self, moment: datetime, process: Process, day: float) -> None:
        self.day, self.clock = day, min(max(moment, self.clock + BETWEEN), self.now)
        with db.as_of(self.clock):
            wait = next(process, None)
        if wait is not None:
            self.begin(day + wait, process)
