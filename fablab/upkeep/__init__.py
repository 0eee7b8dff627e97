"""Faults, what is done about them, the machines' logbooks, and their regular maintenance."""
