"""The soak: random schedules of what people do to a Central and what goes wrong; after each, both sides are equal."""
