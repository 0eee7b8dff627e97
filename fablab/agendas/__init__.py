"""Calendar files: what of one closes the place or takes machines, done and undone in one go."""
