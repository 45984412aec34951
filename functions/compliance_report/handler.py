"""Writes the compliance report, and tells what is new in it."""

from steward.publishing import handler as handler_of

PROCESSOR = handler_of

handler = handler_of()
