"""Telling other systems: message, signatures, retry schedule, address guard, delivery worker."""
