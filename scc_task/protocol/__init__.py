"""What a scientist writes: protocol, rig, text and calibration files, read strictly."""
