"""Drive a pneumatic cuff: codecs, dialogue, interlock, supervisor, emulators."""
