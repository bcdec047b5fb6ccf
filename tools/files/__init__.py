"""File tools: search, list, read and write the files of a run.

open_beneath.py     Opens files beneath a folder component by component, without following symbolic links
walking.py          Walks a folder tree by descriptors, without following symbolic links
removal.py          Removes files and folders, and changes their modes, by descriptor without following symbolic links
folders.py          Searchable files of a folder: visible texts and documents of moderate size
index.py            Full-text file index: one SQLite connection, used by one thread at a time
index_rows.py       Rows of the full-text file index: known files, outdated files, matching passages
text_files.py       Character encoding detection for text files, from their bytes
passages.py         Splits text into passages for full-text search, and turns questions into FTS5 queries
ranking.py          Ranks the passages of one text for a query: BM25 over an in-memory index
search_files.py     The search_files tool: full-text search in the workspace and its shelves, documents included
workspace_tools.py  The tools `list_files`, `read_file` and `write_file` for the run's workspace and its shelves
"""
