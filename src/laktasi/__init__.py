"""Laktasi: survey data from an ODK questionnaire on a phone to an analysis people can trust."""

__version__ = "0.1.0"
