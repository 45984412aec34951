"""Which function wrote what a log stream holds, told by the names of its log group and itself.

Lambda names streams ``2026/11/20/[$LATEST]`` or ``[76]`` with 32 hexadecimal digits after it. Where
functions share a log group, the function's name stands before the bracket ("Configuring CloudWatch
log groups", Lambda Developer Guide). Replicas of Lambda@Edge write to groups like
``/aws/lambda/us-east-1.name`` in the Region that is near the viewer: the function is ``name``, the
Region stays the record's.
"""

from __future__ import annotations

import re
from functools import lru_cache

from steward.shipping.block import Origin

_GROUP = re.compile(r"/aws/lambda/(?:us-east-1\.)?([A-Za-z0-9_-]+)")
_STREAM = re.compile(
    r"(?:\d{4}/[01]\d/[0-3]\d/)?(?:us-east-1\.)?([A-Za-z0-9_-]*)"
    r"\[(\$LATEST(?:\.PUBLISHED)?|[A-Za-z0-9_-]+)\]([0-9a-f]*)"
)
_DIGITS = 32


@lru_cache(maxsize=4096)
def origin(owner: str, region: str, group: str, stream: str) -> Origin:
    """The origin of a record: with a function's name and version only where they are certain.

    A group of Lambda's names the function, unless the stream does; in any other group only a
    stream in Lambda's complete form does.
    """
    function, version = _written(stream)
    named = _GROUP.fullmatch(group)
    if named:
        return Origin(owner, region, group, stream, function or named[1], version)
    if function:
        return Origin(owner, region, group, stream, function, version)
    return Origin(owner, region, group, stream)


def _written(stream: str) -> tuple[str, str]:
    """The function's name and its version as far as the stream's name tells them."""
    found = _STREAM.fullmatch(stream)
    if not found:
        return "", ""
    complete = stream[4:5] == "/" and len(found[3]) == _DIGITS
    return (found[1] if complete else ""), ("" if found[1] and not complete else found[2])
