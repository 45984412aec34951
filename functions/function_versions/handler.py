"""Looks at a function's versions when one is published or an alias moves, and on every sweep."""

from steward.controls.function_versions import CONTROL
from steward.events import Automation, function, publishing_function
from steward.runtime import handler as handler_of

AUTOMATION = Automation(
    name="function-versions",
    source="aws.lambda",
    events={
        "DeleteAlias": function,
        "PublishVersion": function,
        "UpdateAlias": function,
        "UpdateFunctionCode": publishing_function,
    },
    controls=(CONTROL,),
)

handler = handler_of(AUTOMATION)
