"""Tags the resources of stacks as an operation on them is complete, and on every sweep."""

from steward.controls.stack_tags import CONTROL
from steward.events import STACK_STATUS, Automation, Native, stack
from steward.runtime import handler as handler_of

AUTOMATION = Automation(
    name="stack-tags",
    natives={STACK_STATUS: Native("aws.cloudformation", stack)},
    controls=(CONTROL,),
)

handler = handler_of(AUTOMATION)
