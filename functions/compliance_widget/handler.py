"""Shows on the dashboard what is not in order; it may read the ledger and nothing else."""

from steward.widget import handler as handler_of

PROCESSOR = handler_of

handler = handler_of()
