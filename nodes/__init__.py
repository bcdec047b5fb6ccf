"""The nodes of the workflow, one step each: state in, partial update out."""
