"""Accounts: who someone is, how they sign in, and what they may do in each place."""
