"""Reserving a machine for a slot, and following it."""
