"""The self-compassion cuff task: protocol, plan, engine, screen, record."""

__version__ = "0.1.0"
