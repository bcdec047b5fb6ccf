"""Reads JSON bodies of requests: of the right content type, and no further than a limit."""

from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from memento.service.errors import BodyRefused

BodyT = TypeVar("BodyT", bound=BaseModel)

MAX_BODY_BYTES: Final = 64 * 1024


async def json_body(request: Request, shape: type[BodyT]) -> BodyT:
    """Read and parse a body.

    Args:
        request: not read yet.
        shape: what the body must be.

    Raises:
        BodyRefused: 415 for another content type, which pages of other sites may send unasked; 413 above 64 KiB; 422
            for JSON of another shape.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise BodyRefused(f"the body must be application/json, not {kind[:80] or 'of no type'!r}", 415)
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > MAX_BODY_BYTES:
        raise BodyRefused(f"the body is longer than {MAX_BODY_BYTES:,} bytes", 413)
    content = bytearray()
    async for part in request.stream():
        content += part
        if len(content) > MAX_BODY_BYTES:
            raise BodyRefused(f"the body is longer than {MAX_BODY_BYTES:,} bytes", 413)
    try:
        return shape.model_validate_json(bytes(content))
    except ValidationError as error:
        faults = (f"{'.'.join(map(str, e['loc'])) or 'body'}: {e['msg']}" for e in error.errors(include_url=False))
        raise BodyRefused("; ".join(faults), 422) from error
