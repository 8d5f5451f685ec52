"""How webhooks are signed and how that is checked: what sender and receiver must do alike.

Standard library only; no clock, no I/O. It lies below everything, so that ``webhooks`` (which
signs) and ``client`` (which checks, in installations without the server) share one piece of code.
"""
