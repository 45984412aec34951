"""Has AWS Config evaluate anew what was changed, and leave alone what is exempt."""

from steward.follower import handler as handler_of

PROCESSOR = handler_of

handler = handler_of()
