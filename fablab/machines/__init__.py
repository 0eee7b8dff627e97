"""The inventory: machines, their families and rules, and what occupies them."""
