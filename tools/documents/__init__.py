"""Documents of many formats as text, parsed where hostile ones can do no harm.

read_document.py     the tool, and the same for bytes
extract_archive.py   the tool that unpacks into the workspace
reading.py           what the confined child is asked for: the text, pages drawn, pictures, passages for an index
archives.py          what the child is asked of archives
file_types.py  what a file is, by its content first
document.py          what every format becomes: numbered parts
left_out.py          what a converter does not show, counted by name
lines.py             text as numbered lines
selection.py         which parts are shown
layout.py            parts as Markdown
tables.py            tables as Markdown
cell_ranges.py  cells of a spreadsheet as people write them
equations.py  equations on one line
pdf.py               PDF, pages drawn included; pdf_annotations.py: comments, form fields, links, attached files
word.py              Word documents; word_parts.py and word_comments.py: what mammoth would drop, made words
presentations.py  presentations; slide_comments.py: comments on slides
spreadsheets.py  spreadsheets; excel.py: the cells of Excel; sheet_extras.py: what stands beside them
number_formats.py    values of cells as formatted
ooxml_package.py  parts of an Office Open XML file
opendocument.py      OpenDocument texts and presentations; opendocument_text.py, opendocument_styles.py: their text
opendocument_sheets.py  OpenDocument spreadsheets
rtf.py               RTF
html_markdown.py  HTML as Markdown; page_elements.py: what it would drop; page_tables.py: merged cells
plain.py             text, CSV, JSON, XML, HTML
"""
