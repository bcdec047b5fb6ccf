"""The search engines under the case bank: one small port, three real implementations.

    port.py     what the bank needs from an engine
    edge.py     the Qdrant engine in process, on disk (`qdrant-edge-py`)
    server.py   a Qdrant server or cluster (`AsyncQdrantClient`)
    local.py    qdrant-client's `:memory:` mode behind one lock, for tests
"""
