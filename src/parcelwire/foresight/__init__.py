"""Delivery windows and alerts, learned from the installation's own history. Pure."""
