"""The doctor: is this cuff fit for a scan day? Checks without pressure, then with, and their record."""
