"""Kendall's tau for every centre and across them: pure functions on counts and arrays."""
