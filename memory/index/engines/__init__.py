"""The search engines under the case bank: one small port, three real implementations.

port.py           what the bank needs from an engine
edge.py           the Qdrant engine in process, on disk (`qdrant-edge-py`)
  held_index.py   what one engine holds of a bank directory
  slot.py         the place that it takes there
  slot_files.py   files of it that others look at: record, mark of an erasure, lock
  seeding.py      starts a slot with a copy of a neighbour's
  purging.py      empties slots after an erasure
  generation.py   a shard and, in a large bank, a segment
  vector_cache.py vectors of small namespaces in memory
  shard.py        the engine's shard: settings, writes, searches
  shard_reads.py  its other reads
  edge_errors.py  its failures under our names
  segment.py      graphs of large namespaces, shared by processes
  graphs.py       where they lie, and who builds them
  graph_build.py  the process that does
server.py         a Qdrant server or cluster (`AsyncQdrantClient`)
  server_errors.py  its failures under our names
local.py          qdrant-client's `:memory:` mode behind one lock, for tests
cosine_digits.py  the digits of a cosine that count
points.py         what is stored of a case, and the version rule
wire.py           requests in qdrant-client's vocabulary, for server.py and local.py
"""
