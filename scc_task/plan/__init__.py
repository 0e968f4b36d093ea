"""A protocol made absolute: frozen steps with onsets, compiled once."""
