"""What is known about the quality of a reading: bits of the column `quality`."""

from enum import IntFlag


class Flag(IntFlag):
    """One bit each; no bit set is a good reading that came in order."""

    LATE = 1  # not newer than the newest accepted reading of its series, in arrival order
    AHEAD = 2  # its time is more than a minute after its arrival
    OUT_OF_RANGE = 4  # outside the metric's plausible range
    STEP = 8  # further from both readings before it than the metric's largest step
    STUCK = 16  # equal for the metric's stuck window or longer
    NO_TIME = 32  # the message named no time: the time is that of its arrival
    REVISED = 64  # a later computation or report replaced the value


DOUBTFUL = Flag.AHEAD | Flag.OUT_OF_RANGE | Flag.STEP | Flag.STUCK
