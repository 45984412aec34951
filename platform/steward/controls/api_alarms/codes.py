"""Every reason code of the control, with what it means."""

from __future__ import annotations

ALARM_LIMIT = "ALARM_LIMIT"

CODES = {
    "ALARMED": "The stage has the alarms that the policy asks for.",
    "GROUPED": "The stage is watched by the alarms over all APIs (granularity grouped).",
    "NO_ALARMS_WANTED": "The policy asks for no alarm of the stage.",
    "METRICS_OFF": (
        "Alarms for each method are wanted, and API Gateway does not write metrics of single "
        "methods. They are switched on, and no other setting is touched."
    ),
    "MISSING_ALARMS": "Alarms that the policy asks for are not there.",
    "WRONG_ALARMS": (
        "An alarm of ours watches something else, or in another way, than the policy says. "
        "Whether its actions are enabled is left as it is."
    ),
    "STALE_ALARMS": (
        "Alarms of ours are too many: of methods that are deployed no more, or of a sort that "
        "the policy no longer asks for."
    ),
    "STAGE_GONE": "The stage is there no more, and has left alarms of ours behind.",
    "NAME_TAKEN": (
        "An alarm that is not ours has the name of one that is wanted. It is not touched; the "
        "others are put."
    ),
    "SHARED_NAME": (
        "Another REST API has the same name, by which CloudWatch tells REST APIs apart: their "
        "stages of one name share metrics, and each alarm watches both. Rename one of them."
    ),
    "INVALID_TAG": (
        "A tag of the stage or its API names no sort of alarm, or has a value that is no "
        "threshold. Nothing is done until it is mended."
    ),
    ALARM_LIMIT: "The account may have no more alarms in this Region, or no more dashboards.",
    "IN_PLACE": "The alarm over all APIs, or the dashboard, is as it should be.",
    "NOT_IN_PLACE": "The alarm over all APIs, or the dashboard, is missing or otherwise.",
    "LEFT_OVER": "The alarm over all APIs, or the dashboard, is no longer wanted.",
    "NOT_OURS": "The dashboard's name begins as ours do, and it is not ours. It is not touched.",
}
