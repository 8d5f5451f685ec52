"""Keep credentials out of what is stored and shown, whatever a carrier or a connector repeats."""

from collections.abc import Iterable
from traceback import extract_tb

from msgspec.structs import replace

from parcelwire.connectors.base import Request, Response
from parcelwire.domain.report import CarrierReport, Gap

_SHORTEST_SECRET = 6
"""A shorter value is no secret, and would be found in places where it means something else."""
_MARK = "[secret]"


class Redactor:
    """Watches one conversation, and cleans its reports.

    ``secrets`` are the values that may appear nowhere. The answers to requests with a secret body
    (a token request) are secret as a whole.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = [secret for secret in secrets if len(secret) >= _SHORTEST_SECRET]
        self._secret_bodies: list[bytes] = []
        self.latest: Response | None = None
        """The newest answer that may be shown."""

    def see(self, request: Request, response: Response) -> None:
        """Note one exchange."""
        if not request.is_secret_body:
            self.latest = response
        elif response.body:
            self._secret_bodies.append(response.body)

    def clean(self, report: CarrierReport) -> CarrierReport:
        """Return the report without anything secret."""
        raw = report.raw
        gaps = report.gaps
        if raw and any(body.startswith(raw) for body in self._secret_bodies):
            raw = b""
            gaps = tuple(Gap(kind=gap.kind, value=gap.value) for gap in gaps)
        for secret in self._secrets:
            raw = raw.replace(secret.encode(), _MARK.encode())
        return replace(
            report,
            raw=raw,
            detail=self.text(report.detail),
            gaps=tuple(
                Gap(kind=gap.kind, value=self.text(gap.value), sample=self.text(gap.sample))
                for gap in gaps
            ),
        )

    def text(self, text: str) -> str:
        """Return a text with a mark in the place of each secret."""
        for secret in self._secrets:
            text = text.replace(secret, _MARK)
        return text


def describe_error(error: BaseException) -> str:
    """Return an exception's type and where it came through, without its own words.

    Those may quote an answer, and so a person or a token.
    """
    frames = extract_tb(error.__traceback__)[-6:]
    places = [
        f"{frame.filename.replace(chr(92), '/').rsplit('/', 1)[-1]}:{frame.lineno} {frame.name}"
        for frame in frames
    ]
    return f"{type(error).__name__} at " + (" > ".join(places) or "unknown place")
