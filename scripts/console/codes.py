"""What the console's exit codes mean; other tools rely on them."""

from enum import IntEnum


class ExitCode(IntEnum):
    CLEAN = 0  # no violation is left, or each is exempt
    VIOLATIONS = 1  # open violations at the end
    INCOMPLETE = 2  # something could not be read or done; wins over 1
    USAGE = 3  # wrong usage or invalid configuration; nothing was changed
    NOT_CONNECTED = 4  # no usable credentials, or nobody answers
