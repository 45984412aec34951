"""Shows on the dashboard what is not in order; it reads the ledger, policies and tags."""

from steward.widget import handler as handler_of

PROCESSOR = handler_of

handler = handler_of()
