"""From ratings to the pressure that a person rates at the target: pure, no clock, no device."""
