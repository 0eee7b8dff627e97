"""What the team sets up of its place: who it is, how it looks, when it opens, the days off."""
