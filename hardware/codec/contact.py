"""What an emulated rapid inflator says of itself. A real one says nothing at all."""

from typing import Final

EMULATED: Final = b"emulated\n"
"""Sent again and again on the port's data line, where nothing comes from a real inflator."""
EMULATED_EVERY_S: Final = 0.1
