"""API stages have alarms, methods where the policy asks for them, APIs a dashboard on request."""

from steward.controls.api_alarms.assess import assess
from steward.controls.api_alarms.changes import about, sets
from steward.controls.api_alarms.codes import ALARM_LIMIT, CODES
from steward.controls.api_alarms.costs import in_words
from steward.controls.api_alarms.readers import besides, discover, observe
from steward.controls.api_alarms.state import ALARM, DASHBOARD, ID, Policy
from steward.controls.api_gateway import REST, V2, action
from steward.model import Control, Severity

CONTROL = Control(
    id=ID,
    title="API stages have alarms on errors and latency, and no stale ones are left",
    severity=Severity.MEDIUM,
    kinds=(REST, V2, ALARM, DASHBOARD),
    policy=Policy,
    observe=observe,
    discover=discover,
    assess=assess,
    reads=frozenset(
        {
            "apigateway:GET",
            "cloudwatch:DescribeAlarms",
            "cloudwatch:GetDashboard",
            "cloudwatch:ListDashboards",
        }
    ),
    writes=frozenset(
        {
            "apigateway:PATCH",
            "cloudwatch:DeleteAlarms",
            "cloudwatch:DeleteDashboards",
            "cloudwatch:PutDashboard",
            "cloudwatch:PutMetricAlarm",
            "cloudwatch:TagResource",
        }
    ),
    codes=CODES,
    monthly_cost=in_words(),
    limit_code=ALARM_LIMIT,
    batch=10,
    besides=besides,
    sets=sets,
    action=action,
    about=about,
)
