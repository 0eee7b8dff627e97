"""Help in the product: the house rules, how to book, what is kept of people, who can use it."""
