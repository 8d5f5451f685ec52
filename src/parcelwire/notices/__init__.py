"""Telling people by mail and other channels: customers of their parcels, operators of trouble."""
