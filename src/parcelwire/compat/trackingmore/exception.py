"""Errors, by their old name."""


class TrackingMoreException(Exception):  # noqa: N818  (the name it has over there)
    """The call was not made, since something is missing, or its answer cannot be read."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def __str__(self) -> str:
        return f"{type(self).__name__}: {self.message}"


class TrackingMoreNetworkException(TrackingMoreException):
    """No answer came. ``__cause__`` is the client's own error."""
