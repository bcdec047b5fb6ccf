"""The ledger: append-only records in SQL, from which everything else can be made again.

schema          tables, and which columns a row's digest covers
migrations      Alembic revisions from one release's schema to the next
connections     SQLAlchemy engines for SQLite and Postgres
ledger          opens a database, runs synchronous steps in the ledger's own threads
transactions, group_commit   a transaction of the steps that wait: lock, savepoints, one commit
prepared        statements of the hot paths, run by the driver itself
rows            the only place where a stored row becomes a record: checksum, upcasting, validation
row_fields      columns of records, with their digests
set_aside       rows that do not pass, kept out of everything and listed
reads, feed_reads, event_reads, learning_reads, vector_reads, audit    queries
newest_cases    checked cases in memory, for as long as the feed has nothing newer
case_heads, namespace_counts, case_draws    what the feed adds up to, and draws from it
settings_versions            versioned estimator settings, and which one serves
writes, vector_writes, bulk_writes, batches    what a transaction can append
backup, restore              a checked copy in one file, and a ledger made of one
scan, lost_records           a check of every row; records whose own row cannot be found any more
erasure_intents              erasures that are not done yet
erasure_targets, served_to   what an erasure takes, and which readings served it
erasing, tombstones          texts put out of every row, and what remains of them
"""
