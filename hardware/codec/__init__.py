"""Bytes to messages and back, one module per device language. No ports, no clocks."""
