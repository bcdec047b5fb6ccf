"""What becomes of cases once written: retired, quarantined, forgotten, brought back; or erased, by their owner alone.

lifecycle.py          the door: `memory.lifecycle`
changes.py            batches of case changes in one transaction of the ledger, and the way back: undo, rollback
forgetting.py         which cases to retire, and why: harm shown by evidence, redundancy, capacity; a pure function
coverage.py           neighbourhoods of unit vectors, a block of rows at a time
namespace_erasure.py  what of a namespace is erased, and the report of it
erasure.py            erases it from rows, index, weights and files, whatever interrupts
old_copies.py         earlier copies of a ledger, and what was made from ledgers that are gone
"""
