"""Usage statements: what was used over a period, stated once and for good. Never an invoice."""
