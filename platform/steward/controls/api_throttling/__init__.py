"""Each deployed method and route carries limits of its own, below the account's."""

from steward.controls import api_gateway
from steward.controls.api_throttling.assess import assess
from steward.controls.api_throttling.codes import CODES
from steward.controls.api_throttling.readers import discover, observe
from steward.controls.api_throttling.rules import ID, Policy
from steward.model import Control, Severity

CONTROL = Control(
    id=ID,
    title="Each deployed API method and route has limits of its own",
    severity=Severity.MEDIUM,
    kinds=tuple(api_gateway.KINDS),
    policy=Policy,
    observe=observe,
    discover=discover,
    assess=assess,
    reads=frozenset({"apigateway:GET"}),
    writes=frozenset({"apigateway:PATCH", "apigateway:DELETE"}),
    codes=CODES,
    batch=10,
    action=api_gateway.action,
    about=api_gateway.is_about,
)
