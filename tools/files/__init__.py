"""Files of the run: search in them, list, read and write them.

folders.py        what may be searched below a folder
passages.py       texts cut into passages, questions turned into full-text queries
ranking.py        the passages of one text that answer a question
search_files.py   the tool: an index brought up to date by every search
"""
