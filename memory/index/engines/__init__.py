"""The search engines under the case bank: one small port, three real implementations.

port.py           what the bank needs from an engine
edge.py           the Qdrant engine in process, on disk (`qdrant-edge-py`)
  shard.py        one shard of it: settings, calls, errors
  slot.py         the place in a bank directory that one engine holds
  slot_files.py   its files that others look at: record, mark of an erasure, lock
  seeding.py      starts a slot with a copy of a neighbour's
  purging.py      empties slots after an erasure
server.py         a Qdrant server or cluster (`AsyncQdrantClient`)
  server_errors.py  its failures under our names
local.py          qdrant-client's `:memory:` mode behind one lock, for tests
points.py         what is stored of a case, and the version rule
wire.py           requests in qdrant-client's vocabulary, for server.py and local.py
"""
