"""The report for the funders: what was done in a period, beside the one before it."""
