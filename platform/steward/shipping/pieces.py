"""Requests taken apart: into events, into halves, into what is still to be sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from steward.shipping.accel import Codec
from steward.shipping.batch import Request
from steward.shipping.encoders.base import Encoder


@dataclass(frozen=True, slots=True)
class Pieces:
    """Takes requests of one format apart."""

    encoder: Encoder
    codec: Codec

    def items(self, request: Request) -> list[Any]:
        """The request's events as JSON values, in order."""
        return self.encoder.items(self.codec.inflater().decompress(request.body))

    def of(self, request: Request, items: Sequence[Any]) -> Request:
        """A request of some of a request's events, which stands for the same records."""
        deflater = self.codec.deflater()
        body = deflater.compress(self.encoder.body(items)) + deflater.flush()
        return Request(body, len(items), request.first, request.last)

    def halves(self, request: Request) -> tuple[Request, Request]:
        """The request's first half and its second; it has two events at least."""
        items = self.items(request)
        middle = len(items) // 2
        return self.of(request, items[:middle]), self.of(request, items[middle:])

    def shorter(self, request: Request) -> Request | None:
        """A request of one event with its message cut, so that the body has half of its size or
        little more; None where the message is not what makes it large."""
        item = self.items(request)[0]
        size = len(self.encoder.body([item]))
        cut = self.encoder.shortened(item, size // 2)
        return self.of(request, [cut]) if len(self.encoder.body([cut])) < size else None
