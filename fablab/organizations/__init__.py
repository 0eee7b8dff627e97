"""Hosted structures and the people who act for them."""
