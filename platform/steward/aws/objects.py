"""Objects in one bucket."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError

from steward.errors import Gone, Refused, TryAgain
from steward.model import Aws


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket of S3. Every method raises StewardError."""

    aws: Aws
    name: str

    def put(self, key: str, body: bytes, media_type: str = "") -> None:
        """Write an object. ``media_type``: as browsers are told it; '' leaves it to S3."""
        told = {"ContentType": media_type} if media_type else {}
        self.aws.ask("s3", "PutObject", Bucket=self.name, Key=key, Body=body, **told)

    def get(self, key: str, most: int) -> bytes:
        """An object's body. Raises Gone where there is none, Refused where it has more bytes."""
        try:
            answer = self.aws.ask("s3", "GetObject", Bucket=self.name, Key=key)
        except Refused as refusal:
            if refusal.code == "NoSuchKey":
                raise Gone(str(refusal), code=refusal.code) from refusal
            raise
        if answer["ContentLength"] > most:
            answer["Body"].close()
            raise Refused(f"has {answer['ContentLength']} bytes, and {most} are read at most")
        try:
            body: bytes = answer["Body"].read()
        except BotoCoreError as error:  # the answer broke off after its headers
            raise TryAgain(f"GetObject: {error}") from error
        return body

    def delete(self, key: str) -> None:
        self.aws.ask("s3", "DeleteObject", Bucket=self.name, Key=key)

    def keys(self, prefix: str, after: str = "") -> Iterator[str]:
        """The keys under a prefix that come after ``after``, in UTF-8 binary order (S3's own)."""
        more = {"StartAfter": after} if after else {}
        pages = self.aws.pages("s3", "ListObjectsV2", Bucket=self.name, Prefix=prefix, **more)
        for page, _ in pages:
            yield from (entry["Key"] for entry in page.get("Contents", ()))
