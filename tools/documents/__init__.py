"""Documents of many formats as text, parsed where hostile ones can do no harm.

read_document.py     the tool, and the same for bytes
extract_archive.py   the tool that unpacks into the workspace
reading.py           what the confined child is asked for: the text, pages drawn, pictures, passages for an index
archives.py          what the child is asked of archives
kinds.py             what a file is, by its content first
document.py          what every format becomes: numbered parts
selection.py         which parts are shown
layout.py            parts as Markdown
tables.py            tables as Markdown
ranges.py            cells of a spreadsheet as people write them
pdf.py office.py opendocument.py rtf.py sheets.py plain.py   one reader per family of formats
"""
