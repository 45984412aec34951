"""The formats in which logs are shipped, one of each log service."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from steward.errors import BadPolicy
from steward.shipping.accel import Codec
from steward.shipping.encoders.base import Encoder, Options
from steward.shipping.encoders.datadog import Datadog
from steward.shipping.encoders.es_bulk import EsBulk
from steward.shipping.encoders.loki import Loki
from steward.shipping.encoders.ndjson import Ndjson
from steward.shipping.encoders.otlp import Otlp
from steward.shipping.encoders.splunk_hec import SplunkHec

ENCODERS: Mapping[str, Callable[[Codec, Options], Encoder]] = MappingProxyType(
    {
        "datadog": Datadog,
        "es_bulk": EsBulk,
        "loki": Loki,
        "ndjson": Ndjson,
        "otlp": Otlp,
        "splunk_hec": SplunkHec,
    }
)


def build(name: str, codec: Codec, options: Options) -> Encoder:
    """The encoder of that name. Raises BadPolicy for another name, and for unfit options."""
    if name not in ENCODERS:
        raise BadPolicy(f"format: {name!r}; allowed: {', '.join(ENCODERS)}")
    return ENCODERS[name](codec, options)
