"""The place: its name, zone, hours and the days it is closed."""
