"""How much of the time they are open machines are booked and used: the small charts."""
