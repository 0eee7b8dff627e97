"""Trainings, and the qualifications that members hold from them."""
