"""The control's reason codes, in words."""

from __future__ import annotations

from steward.controls.function_layers.layer import MOST
from steward.controls.function_layers.state import RECHECK_DAYS

LAYERED, NEWER, LIVE = "LAYERED", "NEWER_VERSION", "LAYER_NOT_ON_LIVE_VERSION"
PENDING, BUSY, TOO_LARGE = "FUNCTION_PENDING", "STACK_BUSY", "TOO_LARGE"

CODES = {
    LAYERED: "The function, and every version that an alias points to, carries what rules ask for.",
    NEWER: "The same, with a newer version than a rule's, which is left alone.",
    "LAYER_MISSING": "A rule selects the function, and it lacks the layer.",
    "OLD_VERSION": "The function carries another version of the layer than the rule's.",
    "EXTRA_LAYER": "No rule selects the function any more, and it carries a version that we put.",
    LIVE: (
        "The function carries the layer, but an alias points to a published version that does not: "
        "what is live runs without. Only a deployment mends that, by publishing a version; aliases "
        f"of a function that no event named are read once in {RECHECK_DAYS} days."
    ),
    BUSY: (
        "The function's stack, or an update of the function, is in progress. Tried again until it "
        "has ended, for 45 minutes, and then in the next sweep."
    ),
    "NO_LAYER_SLOT": f"The function has {MOST} layers, the most that Lambda lets it have.",
    TOO_LARGE: (
        "Code and layers together would exceed 250 MB unzipped: by their zipped sizes alone, or by "
        "Lambda's own word. Then it is tried again once a week."
    ),
    "LAYER_VERSION_MISSING": "The rule's layer version does not exist, or is not shared with us.",
    "OTHER_LAYER_NOT_ALLOWED": (
        "The function carries a layer that kept_layers does not name: the role may not send it "
        "along, and without it the function would lose it."
    ),
    "NOT_SELECTED": "No rule selects the function.",
    "INCOMPATIBLE": "The layer version was made for other runtimes or architectures.",
    "CONTAINER_IMAGE": "A container image takes no layers.",
    "OWN_FUNCTION": "A function of Steward's own stack.",
    PENDING: "Lambda is still making the function; it is looked at again soon.",
    "FUNCTION_NOT_USABLE": "The function failed to be made, or is being deleted.",
}
