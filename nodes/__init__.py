"""One step each: state in, partial update out."""
