"""Emulated machines and people: the far end of each wire. Shares only the codec with the drivers."""
