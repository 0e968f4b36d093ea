"""What happened, on disk: the journal, and the BIDS dataset derived from it."""
