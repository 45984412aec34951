"""What AWS and its SDK say of failure, in the words of ``errors.py``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from botocore import exceptions as sdk

from steward.errors import (
    Denied,
    Gone,
    InUse,
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

_CODES: Mapping[type[StewardError], str] = {
    Throttled: """Throttling ThrottlingException ThrottledException TooManyRequestsException
        RequestLimitExceeded RequestThrottled RequestThrottledException BandwidthLimitExceeded
        ProvisionedThroughputExceededException SlowDown""",
    TryAgain: """OperationAbortedException ConflictException ResourceConflictException
        ConcurrentModificationException ServiceUnavailable ServiceUnavailableException
        InternalError InternalFailure InternalServerError InternalServerException
        InternalServiceException ServiceException ResourceInUseException
        TransactionConflictException TransactionInProgressException RequestTimeout
        RequestTimeoutException""",
    Gone: """ResourceNotFoundException NotFoundException ResourceNotFound NoSuchEntity NoSuchBucket
        ParameterNotFound QueueDoesNotExist AWS.SimpleQueueService.NonExistentQueue
        TrailNotFoundException ResourceNotDiscoveredException""",
    Moved: "PreconditionFailedException",
    Limit: """LimitExceededException LimitExceeded ServiceQuotaExceededException
        TooManyTagsException QuotaExceededException""",
    NotConnected: """UnrecognizedClientException InvalidClientTokenId ExpiredToken
        ExpiredTokenException InvalidSignatureException SignatureDoesNotMatch AuthFailure
        MissingAuthenticationToken MissingAuthenticationTokenException InvalidAccessKeyId
        IncompleteSignature OptInRequired InvalidToken""",
    Denied: """AccessDenied AccessDeniedException UnauthorizedOperation AuthorizationError
        AuthorizationErrorException UnauthorizedException NotAuthorized""",
    Invalid: """ValidationException ValidationError InvalidParameterException
        InvalidParameterValueException InvalidParameterCombination InvalidParameterValue
        InvalidRequestException InvalidNextToken InvalidNextTokenException BadRequestException
        PaginationTokenExpiredException ExpiredNextTokenException MalformedQueryString""",
}
_BY_CODE = {code: kind for kind, codes in _CODES.items() for code in codes.split()}

_FOR_EVERYBODY = re.compile(
    r"service control policy|resource control policy|permissions? boundary", re.IGNORECASE
)
"""How AWS's AccessDenied messages name a policy that the account's own team cannot change."""

_USED_UP = re.compile(
    r"exceeds the maximum allowed size|consume more than the available size", re.IGNORECASE
)
"""How Lambda says that a function and its layers are too large, which it calls invalid."""

_REPLICATED = re.compile(r"replicated function", re.IGNORECASE)
"""How Lambda refuses to delete a version of which Lambda@Edge has replicas."""

_PASSING = re.compile(
    r"(?!.*(ConditionalCheckFailed|ValidationError))"
    r".*(TransactionConflict|ThrottlingError|ProvisionedThroughputExceeded)",
    re.DOTALL,
)
"""Reasons for which DynamoDB cancels a transaction that may go through the next time."""

READS = ("Describe", "Get", "List", "BatchGet", "Lookup", "Query", "Search", "Select")
"""How the names of operations begin that change nothing."""

LONGEST = 400
"""Characters of AWS's message that are shown: some proxies answer with a whole page."""

_NOT_CONNECTED = (
    sdk.NoCredentialsError,
    sdk.PartialCredentialsError,
    sdk.CredentialRetrievalError,
    sdk.TokenRetrievalError,
    sdk.SSOError,
    sdk.LoginError,
    sdk.NoRegionError,
    sdk.ProfileNotFound,
    sdk.ConfigParseError,
    sdk.InvalidConfigError,
    sdk.InfiniteLoopConfigError,
    sdk.MetadataRetrievalError,
    sdk.RefreshWithMFAUnsupportedError,
    sdk.EndpointConnectionError,
    sdk.ProxyConnectionError,
    sdk.SSLError,
)
_INVALID = (sdk.ParamValidationError, sdk.UnknownEndpointError)


def translated(error: Exception, operation: str) -> StewardError:
    """The StewardError for an error of botocore; its message names the operation."""
    if isinstance(error, sdk.ClientError):
        return _answered(error, operation)
    message = " ".join(f"{operation}: {error}".split())
    if isinstance(error, _NOT_CONNECTED):
        return NotConnected(message)
    if isinstance(error, _INVALID):
        return Invalid(message)
    if isinstance(error, sdk.HTTPClientError | sdk.ConnectionError):
        return TryAgain(message)
    return Refused(message)


def _answered(error: sdk.ClientError, operation: str) -> StewardError:
    answer: Mapping[str, Any] = error.response
    code = str(answer.get("Error", {}).get("Code", ""))
    text = str(answer.get("Error", {}).get("Message", "")).strip()
    status = int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    shown = " ".join(text.split())[:LONGEST]
    message = f"{operation}: {code}: {shown}" if shown else f"{operation}: {code}"
    if operation == "DeleteFunction" and code == "ResourceConflictException":
        # an alias points to it by now, or it is being updated: repeating is no answer
        return Moved(message, code=code)
    told = _error(code, text, status, message)
    if isinstance(told, Limit) and operation.startswith(READS):
        return Throttled(message, code=code)  # reading uses nothing up; Kinesis says so of too many
    return told


def _error(code: str, text: str, status: int, message: str) -> StewardError:
    kind = _BY_CODE.get(code) or _by_status(status)
    if code == "TransactionCanceledException" and _PASSING.match(text):
        kind = TryAgain
    if kind is Invalid and _REPLICATED.search(text):
        kind = InUse
    if kind is Denied and _FOR_EVERYBODY.search(text):
        kind = Protected
    if kind is Invalid and _USED_UP.search(text):
        kind = Limit
    return kind(message, code=code)


def failure(told: Mapping[str, Any]) -> StewardError:
    """The StewardError for one entry of a FailedResourcesMap."""
    code, text = str(told.get("ErrorCode", "")), str(told.get("ErrorMessage", "")).strip()
    status = int(told.get("StatusCode", 0))
    return _error(code, text, status, f"{code}: {' '.join(text.split())[:LONGEST]}")


def _by_status(status: int) -> type[StewardError]:
    if status == 429:
        return Throttled
    if status >= 500 and status != 501:  # 501: the operation is not known there
        return TryAgain
    return Denied if status == 403 else Refused
