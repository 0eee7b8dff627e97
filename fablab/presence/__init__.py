"""Who is here: arrivals, departures, what nobody came to, and the boards that show it."""
