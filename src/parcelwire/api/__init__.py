"""The dialects over the same use cases: TrackingMore's v2, v3 and v4, and our own."""
