"""Markers out: codes on ports and streams for recorders in the next room. A write never holds anybody up."""
