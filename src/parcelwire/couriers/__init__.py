"""Who exists, and whose number is this: the registry, formats, check digits, detection. No I/O."""
