"""Every reason code of the control, with what it means."""

from __future__ import annotations

CODES = {
    "LIMITED": "Each method has the limits that the policy asks for.",
    "NO_METHODS": "Nothing is deployed on the stage.",
    "NO_LIMIT": (
        "A method has no limits of its own below the account's, or not both a rate and a burst. "
        "-1, and 10,000 with 5,000, which API Gateway writes beside any other setting, are none. "
        "They are planned where the policy names them."
    ),
    "OTHER_LIMIT": "A method has other limits than the policy asks for.",
    "NEEDS_FORCE": (
        "A method's limits differ by more than half of what they are; they are changed only with "
        "force."
    ),
    "ABOVE_ACCOUNT": (
        "The policy asks for limits that are not below the account's own: API Gateway would never "
        "come to apply them."
    ),
    "STALE_LIMIT": (
        "Steward once limited a method that is not deployed any more, or that is to have the "
        "stage's limits now; its settings are taken away again."
    ),
    "HIDES_SETTINGS": (
        "Steward's limits of a method hide what the stage's settings have since become, such as "
        "metrics that were switched on; the method gets them, too."
    ),
    "MANAGED_BY_AWS": "A method has no limits, and API Gateway lets nobody change the stage.",
}
