"""Which versions of a function have a resource policy of their own: one request for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from steward.controls.function_versions.assess import decisive, unused
from steward.controls.function_versions.state import Policy, Version
from steward.errors import Denied, Gone, NotConnected, OutOfTime, StewardError
from steward.model import Aws, Sight


def by_policy(sight: Sight[Policy], name: str, versions: Sequence[Version]) -> list[Version]:
    """The versions after those were asked for a policy of their own on which it hangs."""
    told, asked = list(versions), set[int]()
    while unused(told, sight.policy):
        some = [one for one in decisive(told, sight.policy) if one.number not in asked]
        if not some:
            break
        asked |= {one.number for one in some}
        answers = dict(_policies(sight, name, some))
        told = [answers.get(one.number, one) for one in told]
    return told


def _policies(
    sight: Sight[Policy], name: str, versions: Sequence[Version]
) -> Iterator[tuple[int, Version]]:
    def one(version: Version) -> str | StewardError:
        key = f"policy of {name}:{version.number}"
        return sight.known.once(key, lambda: _policy(sight.aws, name, version.number))

    answers = [one(versions[0])]
    if isinstance(answers[0], Denied):  # as all would be
        answers *= len(versions)
    else:
        answers += sight.aws.together(one, versions[1:])
    for version, answer in zip(versions, answers, strict=True):
        if isinstance(answer, StewardError):
            why = f"resource_policies could not be read: {answer}"
            yield version.number, replace(version, unread=why)
        else:
            yield version.number, replace(version, used=answer)


def _policy(aws: Aws, name: str, number: int) -> str | StewardError:
    """A version that has a policy of its own is invoked by whom that names; '' without one."""
    try:
        aws.ask("lambda", "GetPolicy", FunctionName=name, Qualifier=str(number))
    except Gone:
        return ""
    except (NotConnected, OutOfTime):
        raise
    except StewardError as error:
        return error
    return "resource_policies"
