"""The phone's own form engine (JavaRosa) driven from Python, and the sample submissions made with it."""
