"""The way of one call through any version of TrackingMore's API.

    route -> key -> rate limit -> account -> path and method -> scope -> body -> handler -> headers

The order is the same in all versions: who has no key learns nothing but that, and a body is read
for a call that will be answered only. A refusal on the way, or by the handler, becomes an answer in
the version's own words.
"""

from __future__ import annotations

from parcelwire.accounts.authentication import AuthFailure
from parcelwire.api.bodies import ReadBody
from parcelwire.api.house import House
from parcelwire.api.rate_limit import Allowance
from parcelwire.api.shares import TooManyCallsError
from parcelwire.api.trackingmore.declaration import Declaration
from parcelwire.api.trackingmore.refusals import (
    REASON_OF_KEY,
    CallRefusedError,
    RefusalReason,
    Refused,
)
from parcelwire.api.trackingmore.routes import Path, Route, RouteTable
from parcelwire.api.wire import MISSING_FIELDS, Call, Reply
from parcelwire.domain.access import may
from parcelwire.store.port import StoreUnavailableError
from parcelwire.tracking.errors import TrackingError

_RETRY_AFTER = b"retry-after"


class DialectFrame:
    """One version of TrackingMore's API, mounted in an installation."""

    def __init__(self, context: House, declaration: Declaration) -> None:
        """Serve what ``declaration`` says with the use cases of ``context``.

        Raises:
            KeyError: a route has no handler.
        """
        self.prefix = declaration.prefix
        self._authenticator = context.authenticator
        self._limiter = context.limiter
        self._key_headers = declaration.key_headers
        self._limits_by_path = declaration.limits_by_path
        self._refused_for = declaration.refused_for
        self._render_refusal = declaration.render_refusal
        bound = declaration.bind(context)
        self._routes = RouteTable(declaration.routes, bound.handlers, bound.locate)
        self._answer_openly = bound.answer_openly
        self._disabled = bound.disabled
        self._is_payment_required = bound.is_payment_required
        # Asked for now, so that a version that has no code for one of them is not mounted.
        self._by_reason = {reason: self._refused_for(reason) for reason in RefusalReason}

    async def answer(
        self,
        method: str,
        segments: Path,
        query_string: bytes,
        headers: dict[bytes, bytes],
        read_body: ReadBody | None,
    ) -> Reply:
        """Answer one call, whatever it is."""
        if self._answer_openly is not None:
            opened = self._answer_openly(method, segments)
            if opened is not None:
                return opened
        methods = self._routes.find(method, segments)
        route, handler, of_path = None, None, None
        if methods is not None:
            route, handler = methods.get("GET" if method == "HEAD" else method, (None, None))
            of_path = route if route is not None else next(iter(methods.values()))[0]
        sent = next((raw for name in self._key_headers if (raw := headers.get(name))), b"")
        found = await self._authenticator.authenticate(sent.decode("latin-1"))
        if isinstance(found, AuthFailure):
            return self._refuse(REASON_OF_KEY[found], of_path)
        key, account = found
        counted = of_path if self._limits_by_path else route
        kind = counted.limit if counted is not None else "other"
        allowance = self._limiter.take(key.world_id, kind)
        call = Call(
            method=method,
            segments=segments,
            query_string=query_string,
            body=b"",
            headers=headers,
            key=key,
            account=account,
        )
        try:
            if not allowance.is_allowed:
                raise CallRefusedError(RefusalReason.RATE_LIMITED)
            if self._is_payment_required:
                raise CallRefusedError(RefusalReason.PAYMENT_REQUIRED)
            if account.is_suspended:
                raise CallRefusedError(RefusalReason.SUSPENDED)
            if methods is None:
                raise CallRefusedError(RefusalReason.UNKNOWN_PATH)
            if route is None or handler is None:
                raise CallRefusedError(RefusalReason.WRONG_METHOD)
            if not may(key.scope, route.scope):
                raise CallRefusedError(RefusalReason.SCOPE_TOO_SMALL)
            if self._disabled and route.label in self._disabled:
                raise CallRefusedError(RefusalReason.DISABLED)
            if read_body is not None:
                body = await read_body(key.digest)
                if body is not None:
                    call.body = body
                elif route.reads_body(method):
                    # One that nobody reads may be as large as it likes: some send one with GET.
                    raise CallRefusedError(RefusalReason.BODY_TOO_LARGE)
            reply = await handler(call)
        except Refused as refused:
            reply = self._render(refused, of_path)
        except CallRefusedError as error:
            reply = self._refuse(error.reason, of_path)
        except TrackingError as error:
            reply = self._render(self._refused_for(error), of_path)
        except TooManyCallsError:
            reply = self._refuse(RefusalReason.TOO_MANY_AT_ONCE, of_path)
        if counted is not None and counted.counts_items and allowance.is_allowed:
            allowance = self._limiter.current(key.world_id, kind)
        return _with_limits(reply, allowance)

    def failure(self, error: Exception) -> Reply:
        """Return the reply for a fault of ours or of the store."""
        if isinstance(error, StoreUnavailableError):
            return self._refuse(RefusalReason.STORE_UNAVAILABLE, None)
        return self._refuse(RefusalReason.SERVER_FAULT, None)

    def _refuse(self, reason: RefusalReason, route: Route | None) -> Reply:
        return self._render(self._by_reason[reason], route)

    def _render(self, refused: Refused, route: Route | None) -> Reply:
        reply = self._render_refusal(refused, route)
        if not refused.missing:
            return reply
        named = ", ".join(refused.missing).encode()
        headers = (*reply.headers, (MISSING_FIELDS, named))
        return Reply(reply.status, reply.body, headers, reply.content_type)


def _with_limits(reply: Reply, allowance: Allowance) -> Reply:
    limits = allowance.headers()
    if not limits:
        return reply
    if not allowance.is_allowed and any(name == _RETRY_AFTER for name, _ in reply.headers):
        # What the version itself advises stands.
        limits = tuple(one for one in limits if one[0] != _RETRY_AFTER)
    return Reply(reply.status, reply.body, (*reply.headers, *limits), reply.content_type)
