"""The raw archive on the embedded account."""

from __future__ import annotations

import gzip

from tests.scenarios.shipping import shipping

RAW = {"ShippingFormat": "s3_raw", "ShippingUrl": "", "ShippingSecretArn": ""}


def test_the_archive_has_what_cloudwatch_logs_compressed() -> None:
    """Records as they are, one after another; the same again is the same object."""
    with shipping(**RAW) as pipe:
        group = pipe.subscribed()
        for line in ("one", "two", "three"):
            pipe.log(group, line)
        pipe.account.settle()
        archive, held = pipe.objects("raw/"), pipe.held(group)
        assert len(held) == 3
        assert sum(len(body) for body in archive.values()) == sum(map(len, held))
        assert all(any(data in body for body in archive.values()) for data in held)
        lines = b"".join(gzip.decompress(body) for body in archive.values())
        assert lines.count(b'"messageType":"DATA_MESSAGE"') == 3
        pipe.account.host.restart()
        for one in [*pipe.invocations()]:
            pipe.account.invoke("log-shipper", one.event)
        assert pipe.objects("raw/") == archive
        assert pipe.service.posts == []
