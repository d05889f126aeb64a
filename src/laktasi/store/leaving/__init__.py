"""Rows and bytes of people who leave: whose they are, erased with a tombstone, scrubbed off, and turned away again."""
