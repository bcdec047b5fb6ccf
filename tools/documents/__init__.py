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
pdf.py               PDF, pages drawn included
office.py            Word documents and presentations
opendocument.py      OpenDocument texts and presentations
rtf.py               RTF
sheets.py            spreadsheets
plain.py             text, CSV, JSON, XML, HTML
"""
