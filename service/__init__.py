"""What a server adds to the graph: HTTP routes, who is asking, and whether it is well. Nothing imports it but `cli`."""
