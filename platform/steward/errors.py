"""What can go wrong, told by what the caller should do about it.

StewardError
├── BadPolicy      a setting does not fit: the control stops and changes nothing
├── NotConnected   no credentials, or nobody answers at the endpoint: the run ends
│   └── BadRegion  the name of the Region can be none's: nobody was asked
├── Incomplete     what could be done was done, and something is left: the caller has to know
├── Busy           another run holds the lease: come back later
├── Gone           the resource is no longer there: nothing to govern
├── Moved          the resource is there, and not as it was read: look again
├── TryAgain       AWS is busy: repeat inside the deadline, then give the message back
│   ├── Throttled  too many requests: slow down, then repeat
│   └── OutOfTime  the deadline came first: nothing was sent
└── Refused        AWS will not do it: UNKNOWN while reading, failed while remediating
    ├── Invalid    the request does not fit the API
    ├── Limit      a quota of the account or of the resource is used up
    ├── InUse      something of AWS still uses the resource, which has to stay till then
    ├── Partly     AWS did it for some of the resources that the request names
    └── Denied     the caller lacks the permission
        └── Protected   an organization policy or a permissions boundary forbids it

Anything else is a bug. It is caught once, per resource, in ``runtime.py``.
"""

from __future__ import annotations

from collections.abc import Mapping


class StewardError(Exception):
    """Base of everything raised on purpose; ``code`` is AWS's error code where there is one."""

    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class BadPolicy(StewardError):
    """A setting does not fit its schema, or exceeds what the template allows."""


class NotConnected(StewardError):
    """There are no usable credentials, or the endpoint does not answer."""


class BadRegion(NotConnected):
    """The name of the Region can be none's: nobody was asked, and the setting is wrong."""


class Incomplete(StewardError):
    """A part could not be read or was not taken; all the rest was done."""


class Busy(StewardError):
    """Another run of the same control is under way."""


class Gone(StewardError):
    """The resource is no longer there."""


class Moved(StewardError):
    """What a call is about has changed since the resource was read; the resource is there."""


class TryAgain(StewardError):
    """AWS is busy, or the resource is being changed by somebody else."""


class Throttled(TryAgain):
    """AWS counted too many requests."""


class OutOfTime(TryAgain):
    """The deadline would pass before the request could be sent; it was not sent."""


class Refused(StewardError):
    """AWS refused the request for good."""


class Invalid(Refused):
    """The request does not fit the API."""


class Limit(Refused):
    """A quota of the account or of the resource is used up."""


class InUse(Refused):
    """Something of AWS still uses the resource, which has to stay till then."""


class Partly(Refused):
    """AWS did it for some of the resources that the request names, and not for others."""

    def __init__(self, message: str, *, parameter: str, lost: Mapping[str, StewardError]) -> None:
        super().__init__(message)
        self.parameter = parameter  # the request's, that lists the resources
        self.lost = lost  # by resource, why it was not done

    @property
    def passing(self) -> bool:
        """Whether the same request may soon succeed for some of them."""
        return any(isinstance(error, TryAgain) for error in self.lost.values())


class Denied(Refused):
    """The caller is not allowed to make the request."""


class Protected(Denied):
    """An organization policy or a permissions boundary forbids the request to everybody here."""
