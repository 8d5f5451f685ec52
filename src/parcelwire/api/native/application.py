"""The native API as an ASGI application: key, rate limit, query, body, call, answer or problem."""

from __future__ import annotations

import logging
import math
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from parcelwire.accounts.authentication import AuthFailure
from parcelwire.api.asgi import ASGIApp, Receive, Scope, Send
from parcelwire.api.bodies import ClientGoneError
from parcelwire.api.house import House
from parcelwire.api.native.docs_page import show_docs
from parcelwire.api.native.idempotency import (
    HEADER,
    REPLAYED,
    Repeatable,
    check_key,
    fingerprint_of,
)
from parcelwire.api.native.openapi import render
from parcelwire.api.native.operations import Asked, Operation
from parcelwire.api.native.paging import Page
from parcelwire.api.native.problems import (
    CONTENT_TYPE,
    KINDS_OF_AUTH_FAILURES,
    RETRY_AFTER,
    ProblemError,
    invalid,
)
from parcelwire.api.native.reading import read_query
from parcelwire.api.native.table import ALL
from parcelwire.api.native.use_case_errors import USE_CASE_ERRORS, problem_of
from parcelwire.api.rate_limit import Allowance
from parcelwire.api.shares import TooManyCallsError
from parcelwire.api.wire import NO_STORE, NOSNIFF
from parcelwire.domain.access import WorldRule, can_operate, may
from parcelwire.domain.account import Account, ApiKey, is_operator
from parcelwire.domain.json_limits import CROWDED, is_crowded
from parcelwire.domain.url_path import sent_path
from parcelwire.store.port import KeyUnavailableError, StoreUnavailableError
from parcelwire.tracking.ports import AlreadyDoneError, IdempotencyRecord

log = logging.getLogger(__name__)

JSON: Final = "application/json"
SEALING_KEY_MISSING: Final = (
    "this server lacks the key that its secrets are sealed with; its log says more"
)
"""Instead of saying that the database cannot be reached: it can, and other calls work."""
KEY_HEADER: Final = "parcelwire-api-key"

_PRIVATE: Final = (NO_STORE, NOSNIFF)

_encode: Final = msgspec.json.Encoder().encode


def _number_of(text: str) -> int | float:
    """Return a number as JSON means it: 1.0 is as whole as 1."""
    number = float(text)
    if not math.isfinite(number):
        msg = "Number out of range"
        raise ValueError(msg)
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


_decode: Final = msgspec.json.Decoder(float_hook=_number_of).decode


def application(house: House, operations: Iterable[Operation] = ALL) -> Starlette:
    """Return the application that answers ``operations``, to be mounted under ``/api``."""
    by_path: dict[str, dict[str, Operation]] = {}
    for operation in operations:
        by_path.setdefault(operation.path, {})[operation.method] = operation
    # A path of fixed words before one with a name in its place: "detect" is no courier's code.
    routes = [
        Route(path, _Endpoint(house, by_method), methods=list(by_method))
        for path, by_method in sorted(by_path.items(), key=lambda one: "{" in one[0])
    ]
    routes.append(Route("/openapi.json", _describe(), methods=["GET"]))
    routes.append(Route("/docs", show_docs(), methods=["GET"]))
    made = Starlette(routes=routes, exception_handlers={HTTPException: _refuse_route})
    # A redirect would lead a client with a body to nowhere.
    made.router.redirect_slashes = False
    return made


def in_front_of(native: ASGIApp, other: ASGIApp) -> ASGIApp:
    """Return what hands everything under ``/api`` to ``native``, and the rest to ``other``.

    Starlette's own mounting takes a path with a line feed in it for none of its own.
    """

    async def choose(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (scope["path"] + "/").startswith("/api/"):
            inside = {**scope, "root_path": scope.get("root_path", "") + "/api"}
            await native(inside, receive, send)
        else:
            await other(scope, receive, send)

    return choose


class _Endpoint:
    """All calls of one path."""

    def __init__(self, house: House, by_method: dict[str, Operation]) -> None:
        self._house = house
        self._by_method = by_method

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Take one ASGI call."""
        request = Request(scope, receive)
        headers: dict[str, str] = {}
        try:
            response = await self._answer(request, headers)
        except ClientGoneError:
            return
        except ProblemError as error:
            response = _problem(error)
        except TooManyCallsError as error:
            response = _problem(
                ProblemError("too-many-requests", str(error), headers={"retry-after": RETRY_AFTER})
            )
        except StoreUnavailableError as error:
            log.warning("store unavailable: %s", error)
            detail = SEALING_KEY_MISSING if isinstance(error, KeyUnavailableError) else ""
            response = _problem(
                ProblemError("database-unavailable", detail, headers={"retry-after": RETRY_AFTER})
            )
        except Exception:
            log.exception("%s %r failed", request.method, request.scope["path"])
            response = _problem(ProblemError("internal-error"))
        response.headers.update(headers)
        response.raw_headers.extend(_PRIVATE)
        await response(scope, receive, send)

    async def _answer(self, request: Request, headers: dict[str, str]) -> Response:
        """Answer one call; ``headers`` are for the answer, whatever becomes of it."""
        operation = self._by_method["GET" if request.method == "HEAD" else request.method]
        key, account = await self._admit(request)
        allowance = self._house.limiter.take(key.world_id, operation.limit)
        headers.update(_limits(allowance))
        if not allowance.is_allowed:
            seconds = allowance.reset_seconds
            raise ProblemError("too-many-requests", f"try again in {seconds} s")
        if account.is_suspended:
            raise ProblemError("account-suspended")
        self._check_access(operation, key, account)
        query = read_query(operation.query, request.query_params)
        body, said = await self._read_body(operation, request, key)
        repeatable, record = None, None
        if operation.takes_idempotency_key and HEADER in request.headers:
            repeatable = Repeatable(
                key.world_id,
                check_key(request.headers[HEADER]),
                fingerprint_of(
                    request.method, request.scope["path"], request.scope["query_string"], body
                ),
                self._house.clock.now(),
            )
            # The look ahead spares a repetition its work; the write itself looks again.
            record = await self._house.store.find_idempotency_record(key.world_id, repeatable.key)
        asked = Asked(
            key=key,
            account=account,
            path=request.path_params,
            query=query,
            body=said,
            repeatable=repeatable,
        )
        if record is not None:
            return await self._replay(operation, asked, record)
        response = await self._carry_out(operation, request, asked)
        if operation.counts_items:
            headers.update(_limits(self._house.limiter.current(key.world_id, operation.limit)))
        return response

    def _check_access(self, operation: Operation, key: ApiKey, account: Account) -> None:
        if not may(key.scope, operation.scope):
            raise ProblemError(
                "insufficient-scope",
                f"this call wants a key with scope {operation.scope}; this one has {key.scope}",
            )
        if operation.is_for_operators and not (
            can_operate(key.scope, is_test=key.is_test)
            and is_operator(account, self._house.settings.operators)
        ):
            raise ProblemError(
                "operator-required", "this call is for live keys of accounts named in api.operators"
            )
        if operation.world is WorldRule.LIVE and key.is_test:
            raise ProblemError("test-key-not-allowed", "this call belongs to the live world")

    async def _carry_out(self, operation: Operation, request: Request, asked: Asked) -> Response:
        repeatable = asked.repeatable
        try:
            answer = await operation.handler(self._house, asked)
        except USE_CASE_ERRORS as error:
            raise problem_of(error) from error
        except AlreadyDoneError as error:
            if repeatable is None:
                raise
            return await self._replay(operation, asked, error.record)
        if repeatable is not None and repeatable.made is not None:
            return await self._recorded(operation, asked, *repeatable.made)
        if operation.answer is None:
            return _response(operation, operation.success, b"")
        response = _response(operation, operation.success, _encode(answer))
        if isinstance(answer, Page) and answer.has_more:
            response.headers["link"] = f'<{_next_page(request, answer.next_cursor)}>; rel="next"'
        return response

    async def _replay(
        self, operation: Operation, asked: Asked, record: IdempotencyRecord
    ) -> Response:
        assert asked.repeatable is not None  # noqa: S101 - only such calls have a record
        recorded = asked.repeatable.replay(record)
        response = await self._recorded(operation, asked, *recorded)
        response.headers[REPLAYED] = "true"
        return response

    async def _recorded(
        self, operation: Operation, asked: Asked, status: int, body: bytes
    ) -> Response:
        """Answer what was recorded with the effect, at first and at every repetition."""
        if operation.finish is not None and status < 400:
            said = msgspec.json.decode(body, type=operation.answer)
            body = _encode(await operation.finish(self._house, asked, said))
        return _response(operation, status, body)

    async def _admit(self, request: Request) -> tuple[ApiKey, Account]:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        is_bearer = scheme.casefold() == "bearer"
        typed = token if is_bearer else request.headers.get(KEY_HEADER)
        found = await self._house.authenticator.authenticate(typed)
        if isinstance(found, AuthFailure):
            kind = KINDS_OF_AUTH_FAILURES[found]
            raise ProblemError(kind, headers={"www-authenticate": "Bearer"})
        return found

    async def _read_body(
        self, operation: Operation, request: Request, key: ApiKey
    ) -> tuple[bytes, Any]:
        """Return the body as it came, and as the operation's shape."""
        if operation.request is None:
            return b"", None
        limit = self._house.settings.max_body_bytes
        body = await self._house.bodies.read(
            request.receive, dict(request.scope["headers"]), key.digest
        )
        if body is None:
            raise ProblemError("body-too-large", f"at most {limit} bytes are taken")
        if is_crowded(body):
            raise ProblemError("invalid-json", CROWDED)
        try:
            # First as JSON at all: what cannot be read and what does not fit are two problems.
            said = _decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ProblemError("invalid-json", str(error)) from error
        except RecursionError as error:
            raise ProblemError("invalid-json", "it is nested too deeply") from error
        try:
            return body, msgspec.convert(said, operation.request)
        except msgspec.ValidationError as error:
            raise invalid("validation-failed", error) from error


def _next_page(request: Request, cursor: str | None) -> str:
    # Not from request.url: that is made of the Host header, which says whatever the client wants.
    asked = [one for one in request.query_params.multi_items() if one[0] != "cursor"]
    return f"{sent_path(request.scope)}?{urlencode([*asked, ('cursor', cursor)])}"


def _limits(allowance: Allowance) -> Iterable[tuple[str, str]]:
    return ((name.decode(), value.decode()) for name, value in allowance.headers())


def _response(operation: Operation, status: int, body: bytes) -> Response:
    """Return an answer from its recorded form: all its headers follow from status and body."""
    if not body:
        return Response(status_code=status)
    response = Response(body, status, media_type=JSON if status < 400 else CONTENT_TYPE)
    if operation.location and status in {201, 202}:
        said = _decode(body)
        response.headers["location"] = f"/api{operation.location.format_map(said)}"
    return response


def _problem(error: ProblemError) -> Response:
    problem = error.problem
    return Response(_encode(problem), problem.status, error.headers, CONTENT_TYPE)


def _refusal(error: ProblemError) -> Response:
    response = _problem(error)
    response.raw_headers.extend(_PRIVATE)
    return response


async def _refuse_route(_: Request, error: Exception) -> Response:
    """Answer what the router has to say: no such path, or not this method."""
    if isinstance(error, HTTPException) and error.status_code == 405:
        allowed = dict(error.headers or {})
        taken = allowed.get("Allow", "")
        return _refusal(
            ProblemError("method-not-allowed", f"this path takes {taken}", headers=allowed)
        )
    return _refusal(ProblemError("path-not-found"))


def _describe() -> Callable[[Request], Awaitable[Response]]:
    body: list[bytes] = []

    async def describe(_: Request) -> Response:
        """Answer the OpenAPI description; it needs no key."""
        if not body:
            body.append(render())
        response = Response(body[0], media_type=JSON)
        response.raw_headers.extend(_PRIVATE)
        return response

    return describe
