"""Hosted structures, the people who act for them, and who is asked to join."""
