"""Ships what the stream carries; its settings are the template's and the policy log-shipper."""

from steward.processor import handler as handler_of

PROCESSOR = handler_of

handler = handler_of()
