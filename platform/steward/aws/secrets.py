"""One secret, from Secrets Manager or Parameter Store, by its ARN."""

from __future__ import annotations

import threading

from steward.errors import BadPolicy, TryAgain
from steward.model import Aws, Clock

FRESH = 300.0
"""Seconds for which a secret is believed without being read again."""

BUSY = 30.0
"""Seconds for which the secret that is known is good when it cannot be read again."""


class Secret:
    """The text of a secret, read when it is first needed and again every five minutes."""

    def __init__(self, aws: Aws, arn: str, clock: Clock) -> None:
        self._aws = aws
        self._arn = arn
        self._clock = clock
        self._text = ""
        self._read_at = float("-inf")
        self._lock = threading.Lock()

    def value(self) -> str:
        """The text. Raises StewardError."""
        with self._lock:
            now = self._clock.monotonic()
            if now - self._read_at > FRESH:
                self._renew(now)
            return self._text

    def forget(self) -> None:
        """Read it anew before it is next told."""
        with self._lock:
            self._read_at = float("-inf")

    def _renew(self, now: float) -> None:
        """Read the text; while AWS is busy, one that was not forgotten is good for a while."""
        try:
            self._text = self._read()
        except TryAgain:
            if self._read_at == float("-inf"):
                raise
            now -= FRESH - BUSY
        self._read_at = now

    def _read(self) -> str:
        service = self._arn.split(":")[2] if self._arn.count(":") > 4 else ""
        if service == "secretsmanager":
            answer = self._aws.ask("secretsmanager", "GetSecretValue", SecretId=self._arn)
            return str(answer.get("SecretString") or _decoded(answer["SecretBinary"]))
        if service == "ssm":
            answer = self._aws.ask("ssm", "GetParameter", Name=self._arn, WithDecryption=True)
            return str(answer["Parameter"]["Value"])
        told = "the ARN of a secret of Secrets Manager or of a parameter of Parameter Store"
        raise BadPolicy(f"secret: is none, allowed: {told}")  # what it is may be the secret


def _decoded(binary: bytes) -> str:
    try:
        return binary.decode()
    except UnicodeDecodeError:
        raise BadPolicy("secret: is binary, allowed: text in UTF-8") from None
