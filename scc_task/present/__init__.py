"""What the participant sees and presses. The only package that knows PsychoPy."""
