"""Files of the run: search in them, list, read and write them.

open_beneath.py  the way down to a file, without following links
walking.py          everything below a folder, by descriptors
removal.py          modes changed, files and folders removed, by descriptors
folders.py          which folders are searched, and what below them
index.py            the index that is brought up to date by every search
index_rows.py       what is in it
text_files.py       the characters of a text file, whatever its encoding
passages.py         texts cut into passages, questions turned into full-text queries
ranking.py          the passages of one text that answer a question
search_files.py     the tool: documents are read, then the index is asked
workspace_tools.py  the tools list_files, read_file, write_file
"""
