"""From ratings to the pressure of a target rating (pure), and the store of accepted ones."""
