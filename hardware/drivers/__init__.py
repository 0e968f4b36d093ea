"""One module per kind of device: its language, spoken to satisfy `hardware.cuff.CuffDriver`."""
