"""The search index: a projection of the ledger's cases into a vector engine, which can be made again at any time."""
