"""The least that sets a retention where there is none: boto3, and nothing remembered or checked.

``python -m benchmark.bare THREADS``; the SDK's own variables say where and as whom.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
from botocore.config import Config

DAYS = 30


def main(threads: int) -> None:
    """List the log groups, and set the retention of those without, ``threads`` at a time."""
    retries: Any = {"mode": "standard", "max_attempts": 10}
    config = Config(max_pool_connections=max(10, threads), retries=retries)
    logs = boto3.client("logs", config=config)
    if threads == 1:
        for name in _without_retention(logs):
            logs.put_retention_policy(logGroupName=name, retentionInDays=DAYS)
        return
    with ThreadPoolExecutor(threads) as pool:
        sent = [
            pool.submit(logs.put_retention_policy, logGroupName=name, retentionInDays=DAYS)
            for name in _without_retention(logs)
        ]
    for one in sent:
        one.result()


def _without_retention(logs: Any) -> Iterator[str]:
    for page in logs.get_paginator("describe_log_groups").paginate():
        for group in page["logGroups"]:
            if "retentionInDays" not in group:
                yield group["logGroupName"]


if __name__ == "__main__":
    main(int(sys.argv[1]))
