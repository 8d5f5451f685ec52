"""Who exists, and whose number is this: the registry, number formats, check digits, detection. No I/O."""
