"""Secret calendar addresses, and the feeds behind them."""
