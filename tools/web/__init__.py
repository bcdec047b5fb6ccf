"""The web: search it, and read one page of it, without ever being led to an address inside."""
