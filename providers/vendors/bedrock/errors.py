"""The errors of AWS, by the codes of its services."""

from providers.core.errors import ProviderError, chain, from_answer

# Codes of docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html, and of
# API_runtime_Converse.html and API_runtime_ConverseStreamOutput.html there, as the HTTP status they
# amount to. In a stream they begin with a small letter and come without a status.
STATUS_OF = {
    "UnrecognizedClientException": 401,
    "InvalidSignatureException": 401,
    "SignatureDoesNotMatch": 401,
    "InvalidClientTokenId": 401,
    "IncompleteSignature": 401,
    "MissingAuthenticationToken": 401,
    "MissingAuthenticationTokenException": 401,
    "ExpiredToken": 401,
    "ExpiredTokenException": 401,
    "AccessDeniedException": 403,
    "OptInRequired": 403,
    "ThrottlingException": 429,
    "TooManyRequestsException": 429,
    "ResourceNotFoundException": 404,
    "ServiceQuotaExceededException": 402,
    "ValidationException": 400,
    "ModelTimeoutException": 408,
    "ModelErrorException": 424,
    "ModelStreamErrorException": 424,
    "ModelNotReadyException": 503,
    "ServiceUnavailableException": 503,
    "InternalServerException": 500,
}
NO_CREDENTIALS = {
    "NoCredentialsError",
    "PartialCredentialsError",
    "CredentialRetrievalError",
    "TokenRetrievalError",
    "SSOTokenLoadError",
}


def from_boto(error: Exception, host: str) -> ProviderError | None:
    """The ProviderError for an exception of boto3's own, told apart by type and code; None for any
    other. Its `status` is the one that came; of an exception in a stream, which has none, the one
    that AWS documents for it.
    """
    names = {type(cause).__name__ for cause in chain(error)}
    if names & NO_CREDENTIALS:
        return ProviderError(
            "This machine has no AWS credentials. Enter access keys, or give it a role.",
            "unauthorized",
            True,
        )
    if "ParamValidationError" in names:  # botocore's own check, before anything is sent
        return ProviderError(
            "Amazon Bedrock takes no such request: a value is too short or of the wrong type.",
            "bad_request",
            True,
        )
    answer = getattr(error, "response", None)
    if not isinstance(answer, dict):
        return None
    found, meta = answer.get("Error", {}), answer.get("ResponseMetadata", {})
    code = str(found.get("Code") or "")
    status = STATUS_OF.get(code[:1].upper() + code[1:]) or meta.get("HTTPStatusCode") or 500
    body = {"message": found.get("Message"), "code": code}
    told = from_answer(status, host, meta.get("HTTPHeaders") or {}, body)
    told.status = meta.get("HTTPStatusCode") or told.status  # what came, not what it amounts to
    if code[:1].islower() and told.code == "error":  # in a stream: nobody sent that status
        told.message = f"{host} broke off its answer. Try again later."
    return told
