"""Whatever AWS or its SDK says of failure is told by what to do about it."""

from __future__ import annotations

import pytest
from botocore import exceptions as sdk

from steward.aws import translate
from steward.aws.translate import translated
from steward.errors import (
    Denied,
    Gone,
    Invalid,
    Limit,
    Moved,
    NotConnected,
    Protected,
    Refused,
    StewardError,
    Throttled,
    TryAgain,
)

ENDPOINT = "https://logs.eu-west-1.amazonaws.com"

BY_CODE = {
    Throttled: [
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "RequestLimitExceeded",
        "ProvisionedThroughputExceededException",
    ],
    TryAgain: [
        "OperationAbortedException",
        "ConflictException",
        "ResourceConflictException",
        "ConcurrentModificationException",
        "ServiceUnavailableException",
        "InternalServerError",
        "TransactionConflictException",
        "RequestTimeout",
    ],
    Gone: [
        "ResourceNotFoundException",
        "NotFoundException",
        "NoSuchEntity",
        "AWS.SimpleQueueService.NonExistentQueue",
        "TrailNotFoundException",
    ],
    Moved: ["PreconditionFailedException"],
    Limit: ["LimitExceededException", "ServiceQuotaExceededException", "TooManyTagsException"],
    NotConnected: [
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        "ExpiredTokenException",
        "ExpiredToken",
        "SignatureDoesNotMatch",
        "OptInRequired",
    ],
    Denied: ["AccessDenied", "AccessDeniedException", "UnauthorizedOperation"],
    Invalid: [
        "ValidationException",
        "ValidationError",
        "InvalidParameterException",
        "InvalidParameterValueException",
        "InvalidNextToken",
        "PaginationTokenExpiredException",
        "BadRequestException",
    ],
}

BY_STATUS = [
    pytest.param("NeverHeardOfIt", 429, Throttled, id="429 too many requests"),
    pytest.param("NeverHeardOfIt", 500, TryAgain, id="500 server error"),
    pytest.param("NeverHeardOfIt", 503, TryAgain, id="503 unavailable"),
    pytest.param("502", 502, TryAgain, id="502 of a proxy, whose code is its status"),
    pytest.param("NotImplemented", 501, Refused, id="501 the operation is not known there"),
    pytest.param("NeverHeardOfIt", 403, Denied, id="403 forbidden"),
    pytest.param("NeverHeardOfIt", 400, Refused, id="400 bad request"),
    pytest.param("ResourceAlreadyExistsException", 400, Refused, id="a code of no family"),
    pytest.param("", 0, Refused, id="nothing told at all"),
]

IAM_DENIES = "User: arn:aws:sts::111122223333:assumed-role/r/s is not authorized to perform: logs:X"

MESSAGES = (
    [
        pytest.param(f"{IAM_DENIES} with an explicit deny in a {policy}", Protected, id=policy)
        for policy in ("service control policy", "resource control policy", "permissions boundary")
    ]
    + [
        pytest.param(
            f"{IAM_DENIES} because no {policy} allows the logs:X action", kind, id=f"no {policy}"
        )
        for policy, kind in (
            ("service control policy", Protected),
            ("permissions boundary", Protected),
            ("identity-based policy", Denied),
            ("session policy", Denied),
            ("VPC endpoint policy", Denied),
        )
    ]
    + [
        pytest.param(
            f"{IAM_DENIES} with an explicit deny in an identity-based policy", Denied, id="own"
        ),
        pytest.param("", Denied, id="no message"),
    ]
)

REASONS = "Transaction cancelled, please refer cancellation reasons for specific reasons"

CANCELLED = [
    pytest.param("[None, TransactionConflict]", TryAgain, id="another transaction"),
    pytest.param("[ThrottlingError, None]", TryAgain, id="throttled"),
    pytest.param("[ProvisionedThroughputExceeded]", TryAgain, id="capacity"),
    pytest.param("[ConditionalCheckFailed, None]", Refused, id="a condition"),
    pytest.param("[TransactionConflict, ConditionalCheckFailed]", Refused, id="also a condition"),
    pytest.param("[ValidationError]", Refused, id="an item that does not fit"),
]

OF_THE_SDK = [
    (NotConnected, sdk.NoCredentialsError()),
    (NotConnected, sdk.PartialCredentialsError(provider="env", cred_var="AWS_SECRET_ACCESS_KEY")),
    (NotConnected, sdk.CredentialRetrievalError(provider="process", error_msg="exit 1")),
    (NotConnected, sdk.MetadataRetrievalError(error_msg="no answer")),
    (NotConnected, sdk.InfiniteLoopConfigError(source_profile="a", visited_profiles=["a"])),
    (NotConnected, sdk.InvalidConfigError(error_msg="role_arn without source_profile")),
    (NotConnected, sdk.ConfigParseError(path="~/.aws/config", error="line 3")),
    (NotConnected, sdk.RefreshWithMFAUnsupportedError()),
    (NotConnected, sdk.TokenRetrievalError(provider="sso", error_msg="expired")),
    (NotConnected, sdk.UnauthorizedSSOTokenError()),
    (NotConnected, sdk.SSOTokenLoadError(error_msg="no token")),
    (NotConnected, sdk.LoginRefreshRequired()),
    (NotConnected, sdk.NoRegionError()),
    (NotConnected, sdk.ProfileNotFound(profile="nobody")),
    (NotConnected, sdk.EndpointConnectionError(endpoint_url=ENDPOINT)),
    (NotConnected, sdk.ProxyConnectionError(proxy_url="http://proxy")),
    (NotConnected, sdk.SSLError(endpoint_url=ENDPOINT, error="self-signed")),
    (TryAgain, sdk.ReadTimeoutError(endpoint_url=ENDPOINT)),
    (TryAgain, sdk.ConnectTimeoutError(endpoint_url=ENDPOINT)),
    (TryAgain, sdk.ConnectionClosedError(endpoint_url=ENDPOINT)),
    (TryAgain, sdk.ResponseStreamingError(error="reset by peer")),
    (TryAgain, sdk.HTTPClientError(error="anything")),
    (Invalid, sdk.ParamValidationError(report="Missing required parameter: logGroupName")),
    (Invalid, sdk.UnknownEndpointError(service_name="logs", region_name="mars-1")),
    (Refused, sdk.UnknownServiceError(service_name="nonsense", known_service_names="logs")),
]


def answered(
    code: str, status: int, message: str = "No.", operation: str = "PutRetentionPolicy"
) -> StewardError:
    """The translation of an answer of AWS."""
    answer = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return translated(sdk.ClientError(answer, operation), operation)


@pytest.mark.parametrize(
    ("code", "kind"),
    [pytest.param(code, kind, id=code) for kind, codes in BY_CODE.items() for code in codes],
)
@pytest.mark.parametrize("status", [400, 403, 500])
def test_a_code_that_aws_documents_decides_whatever_the_status(
    code: str, kind: type[StewardError], status: int
) -> None:
    """The code is more exact than the status, which services choose as they like."""
    assert type(answered(code, status)) is kind


@pytest.mark.parametrize(("code", "status", "kind"), BY_STATUS)
def test_the_status_decides_over_a_code_nobody_listed(
    code: str, status: int, kind: type[StewardError]
) -> None:
    """A code that is new to us is judged by its HTTP status."""
    assert type(answered(code, status)) is kind


@pytest.mark.parametrize(("message", "kind"), MESSAGES)
@pytest.mark.parametrize(("code", "status"), [("AccessDeniedException", 400), ("New", 403)])
def test_a_denial_that_the_own_team_cannot_lift_is_protected(
    code: str, status: int, message: str, kind: type[StewardError]
) -> None:
    """Organization policies and permissions boundaries are told from the caller's own policies."""
    assert type(answered(code, status, message)) is kind


@pytest.mark.parametrize(("reasons", "kind"), CANCELLED)
def test_a_cancelled_transaction_is_judged_by_its_reasons(
    reasons: str, kind: type[StewardError]
) -> None:
    """Two functions that write one resource at once collide; the second simply comes again."""
    error = answered("TransactionCanceledException", 400, f"{REASONS} {reasons}")
    assert type(error) is kind


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        ("DescribeStreamSummary", Throttled),
        ("ListStreams", Throttled),
        ("UpdateShardCount", Limit),
    ],
)
def test_reading_uses_no_quota_up(operation: str, kind: type[StewardError]) -> None:
    """Kinesis tells too many requests a second and too many shards by one code."""
    assert type(answered("LimitExceededException", 400, operation=operation)) is kind


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("Code combined with layers exceeds the maximum allowed size of 262144000 bytes.", Limit),
        ("Layers consume more than the available size of 262144000 bytes", Limit),
        ("Layer version arn:aws:lambda:::layer:a:1 does not exist.", Invalid),
    ],
)
def test_a_size_that_is_used_up_is_a_limit(message: str, kind: type[StewardError]) -> None:
    """Lambda calls it invalid, like a request that is malformed."""
    assert type(answered("InvalidParameterValueException", 400, message)) is kind


def test_only_a_denial_can_be_protected() -> None:
    """A message that merely mentions a boundary does not make a throttle permanent."""
    assert type(answered("Throttling", 400, "permissions boundary")) is Throttled


@pytest.mark.parametrize(
    ("kind", "error"),
    [pytest.param(kind, error, id=type(error).__name__) for kind, error in OF_THE_SDK],
)
def test_an_error_of_the_sdk_has_one_meaning(kind: type[StewardError], error: Exception) -> None:
    """What never came to an answer of AWS is translated by what the SDK calls it."""
    assert type(translated(error, "DescribeLogGroups")) is kind


@pytest.mark.parametrize("kind", list(translate._CODES), ids=lambda kind: kind.__name__)
def test_every_listed_code_belongs_to_one_family(kind: type[StewardError]) -> None:
    """No code is listed twice, where the later family would silently win."""
    codes = translate._CODES[kind].split()
    assert len(codes) == len(set(codes))
    assert {translate._BY_CODE[code] for code in codes} == {kind}


def test_the_error_tells_operation_code_and_message() -> None:
    """The sentence can be shown as it is, and the code is there to be compared."""
    error = answered("ResourceNotFoundException", 400, " The log group does not exist.\n")
    assert str(error) == (
        "PutRetentionPolicy: ResourceNotFoundException: The log group does not exist."
    )
    assert error.code == "ResourceNotFoundException"


def test_a_page_instead_of_a_message_is_cut_and_brought_into_one_line() -> None:
    """Some proxies answer with a whole page; a reason and a log line have no room for it."""
    told = str(answered("502", 502, "<html>\n  <p>Bad Gateway</p>\n" + "x" * 5000))
    assert told.startswith("PutRetentionPolicy: 502: <html> <p>Bad Gateway</p> xxx")
    assert len(told) < 500


def test_a_policy_far_down_in_a_denial_is_found() -> None:
    """Long ARNs may push the decisive words beyond what is shown."""
    text = f"User: {'x' * 1000} with an explicit deny in a service control policy"
    assert type(answered("AccessDenied", 403, text)) is Protected


def test_an_error_without_message_ends_with_its_code() -> None:
    """There is no dangling colon."""
    assert str(answered("AccessDenied", 403, "")) == "PutRetentionPolicy: AccessDenied"


def test_the_sdks_sentence_comes_on_one_line() -> None:
    """Parameter validation reports run over several lines; a log line and a reason do not."""
    error = sdk.ParamValidationError(report="Missing:\n  logGroupName\n  retentionInDays")
    told = str(translated(error, "PutRetentionPolicy"))
    assert told.startswith("PutRetentionPolicy: Parameter validation failed")
    assert told.endswith("Missing: logGroupName retentionInDays")


def test_an_answer_without_any_detail_is_refused() -> None:
    """An answer that is empty does not break the translation."""
    error = translated(sdk.ClientError({}, "ListFunctions"), "ListFunctions")
    assert type(error) is Refused
    assert error.code == ""
