"""The pages anyone opens first: the planning, the machines."""
