"""What becomes of cases once written: retired, quarantined, forgotten, brought back. Nothing is ever deleted.

lifecycle.py    the door: `memory.lifecycle`
changes.py      batches of case changes in one transaction of the ledger, and the way back: undo, rollback
forgetting.py   which cases to retire, and why: harm shown by evidence, redundancy, capacity; a pure function
coverage.py     neighbourhoods of unit vectors, a block of rows at a time
"""
