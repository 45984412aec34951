"""Gives functions their layers as they appear, change or are tagged, and on every sweep."""

from steward.controls.function_layers import CONTROL
from steward.events import Automation, function, tagged_function
from steward.runtime import handler as handler_of

AUTOMATION = Automation(
    name="function-layers",
    source="aws.lambda",
    events={
        "CreateAlias": function,
        "CreateFunction": function,
        "TagResource": tagged_function,
        "UntagResource": tagged_function,
        "UpdateAlias": function,
        "UpdateFunctionConfiguration": function,
    },
    controls=(CONTROL,),
)

handler = handler_of(AUTOMATION)
