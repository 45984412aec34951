"""Requests that AWS carries out for some of the resources they name, and not for others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from steward.aws.parts import TRIES, completed
from steward.errors import (
    Denied,
    Gone,
    Invalid,
    NotConnected,
    OutOfTime,
    Partly,
    Protected,
    Refused,
    StewardError,
    Throttled,
)

NAME = "resourcegroupstaggingapi.TagResources"
TAGS = {"team": "shop"}


def failing(code: str, status: int = 400, message: str = "no") -> dict[str, Any]:
    return {"ErrorCode": code, "StatusCode": status, "ErrorMessage": message}


class Tagging:
    """The tagging API: what becomes of each resource at each try, and what it was asked."""

    def __init__(self, *tries: Mapping[str, Any] | StewardError) -> None:
        self.asked: list[Sequence[str]] = []
        self._tries = list(tries)

    def __call__(self, **params: Any) -> Mapping[str, Any]:
        self.asked.append(params["ResourceARNList"])
        assert params["Tags"] == TAGS
        told = self._tries.pop(0) if self._tries else {}
        if isinstance(told, StewardError):
            raise told
        return {"FailedResourcesMap": told}


def ask(api: Callable[..., Any], *arns: str, rested: bool = True) -> Mapping[str, Any]:
    params = {"ResourceARNList": list(arns), "Tags": TAGS}
    return completed(api, NAME, params, lambda _: rested)


def lost(api: Callable[..., Any], *arns: str, rested: bool = True) -> dict[str, type[StewardError]]:
    with pytest.raises(Partly) as raised:
        ask(api, *arns, rested=rested)
    assert raised.value.parameter == "ResourceARNList"
    return {arn: type(error) for arn, error in raised.value.lost.items()}


def test_what_all_resources_took_is_done() -> None:
    """One request; and one that is about no list is not looked into."""
    api = Tagging()
    assert ask(api, "a", "b") == {}
    assert api.asked == [["a", "b"]]
    assert completed(lambda **params: params, "sqs.SendMessage", {"a": 1}, lambda _: True) == {
        "a": 1
    }


def test_only_what_failed_for_now_is_asked_for_again() -> None:
    """TAG-11, TAG-27: the others are done, and what is refused stays refused."""
    api = Tagging(
        {"b": failing("ThrottlingException"), "c": failing("AccessDeniedException")},
        {"b": failing("InternalServiceException", 500)},
    )
    assert lost(api, "a", "b", "c") == {"c": Denied}
    assert api.asked == [["a", "b", "c"], ["b"], ["b"]]


def test_what_keeps_failing_is_given_up_after_three_tries() -> None:
    """TAG-12, TAG-27: an internal failure may be an unsupported type; a throttle passes."""
    api = Tagging(*[{"a": failing("InternalServiceException", 500)}] * 5)
    assert lost(api, "a", "b") == {"a": Refused}
    assert api.asked == [["a", "b"], ["a"], ["a"]]
    busy = Tagging(*[{"a": failing("TooManyRequestsException")}] * TRIES)
    with pytest.raises(Partly) as raised:
        ask(busy, "a")
    assert raised.value.passing


def test_without_time_for_another_try_the_rest_is_left() -> None:
    """The deadline comes first."""
    api = Tagging({"a": failing("ThrottlingException")})
    assert lost(api, "a", "b", rested=False) == {"a": Throttled}
    assert len(api.asked) == 1


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        (failing("ResourceNotFoundException", 404), Gone),
        (failing("InvalidParameterException"), Invalid),
        (failing("SomethingNew", 403), Denied),
        (
            failing(
                "AccessDeniedException", 403, "with an explicit deny in a service control policy"
            ),
            Protected,
        ),
        ({}, Refused),
    ],
    ids=["gone", "invalid", "by status", "by the organization", "empty"],
)
def test_a_failure_is_told_in_our_words(told: Mapping[str, Any], kind: type[StewardError]) -> None:
    """As an answer with the same code would be."""
    assert lost(Tagging({"a": told}), "a", "b") == {"a": kind}


def test_a_request_that_is_invalid_is_halved_until_the_culprit_is_alone() -> None:
    """One ARN that the API does not know costs only itself."""

    def api(**params: Any) -> Mapping[str, Any]:
        if "bad" in params["ResourceARNList"]:
            raise Invalid("TagResources: InvalidParameterException: bad")
        return {}

    assert lost(api, "a", "b", "bad", "c") == {"bad": Invalid}


def test_a_half_that_is_refused_as_a_whole_is_lost_as_a_whole() -> None:
    """What was done before it is not forgotten; without a connection nothing goes on."""
    api = Tagging(Invalid("no"), {}, Denied("no"))
    assert lost(api, "a", "b", "c", "d") == {"c": Denied, "d": Denied}
    with pytest.raises(NotConnected):
        ask(Tagging(Invalid("no"), NotConnected("no")), "a", "b")


@pytest.mark.parametrize("error", [Denied("no"), OutOfTime("no"), NotConnected("no")])
def test_what_is_refused_as_a_whole_is_raised_as_it_is(error: StewardError) -> None:
    """Nothing of it was done."""
    with pytest.raises(type(error)):
        ask(Tagging(error), "a", "b")


def test_a_message_names_the_first_that_failed_and_how_many_did() -> None:
    """Short enough for a reason."""
    with pytest.raises(Partly, match=r"^TagResources: 2 of 3 failed, b: X: no$"):
        ask(Tagging({"b": failing("X"), "c": failing("Y")}), "a", "b", "c")
