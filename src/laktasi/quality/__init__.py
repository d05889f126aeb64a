"""Suites derived and declared, validation with Great Expectations, and the findings they make."""
