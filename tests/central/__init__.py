"""A stand-in for ODK Central, and the things people do to a Central, over HTTP only."""

from tests.central.acts import Acts
from tests.central.double import Double

__all__ = ["Acts", "Double"]
