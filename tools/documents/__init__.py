"""Document parsers: text from files of many formats, parsed in a confined child process.

read_document.py        The read_document tool: a document of almost any format as text
extract_archive.py      The extract_archive tool: unpacks files of an archive into a new folder of the workspace
reading.py              Opens a document of any format and selects what to show; runs in a confined child
archives.py             Lists and unpacks archives (zip, tar, gzip, office files); runs in a confined child
file_types.py           File type detection: by content first, by name second
document.py             Document model: numbered parts (pages, slides, rows, lines) that every format is converted to
left_out.py             Counts, by name, what a converter does not show of a document, so that no loss is silent
lines.py                Plain text as a document of lines
selection.py            Selects what to show of a document: the parts asked for, or those that match a query
layout.py               Renders document parts as Markdown for a model
tables.py               Renders tables as Markdown
cell_ranges.py          Spreadsheet cell references and ranges: `A1`, `B2:B40`
equations.py            Equations of office files (OMML) and pages (MathML) in linear notation: `x^2`, `(a)/(b)`
pdf.py                  PDF: text by page, with comments, form fields and links; scanned pages are rendered as images
pdf_annotations.py      PDF annotations: comments, form fields, link addresses, embedded media; attached files
word.py                 Word documents (docx) as Markdown, with comments, notes, equations, tracked changes
word_parts.py           Rewrites the XML parts of a Word document so that mammoth loses none of their text
word_comments.py        Comments of a Word document: a mark at each place, then author, quoted words and text
presentations.py        PowerPoint presentations (pptx): slides with tables, charts, equations, links
slide_comments.py       Comments on slides of a presentation, classic and threaded, with their authors
spreadsheets.py         Spreadsheets: formatted values, and for Excel workbooks formulas, colours, notes and links
excel.py                Excel workbook reader (xlsx): value, formula and style of each cell in one pass over the rows
sheet_extras.py         Excel sheet content outside cells: notes, links, merged ranges, text boxes, hidden parts
number_formats.py       Formats spreadsheet numbers by their number format: per cent, currency, leading zeros, units
ooxml_package.py        Parts of an Office Open XML package, and the relationships between them
opendocument.py         OpenDocument texts and presentations (odt, odp): tables, notes, comments, tracked changes
opendocument_text.py    Converts OpenDocument XML to blocks and lines of Markdown
opendocument_styles.py  Styles and tracked deletions of an OpenDocument file that affect its text
opendocument_sheets.py  OpenDocument spreadsheets (ods): displayed values, formulas, notes, links, merged ranges
rtf.py                  RTF as text, with notes, comments, links and tracked changes
html_markdown.py        Converts HTML pages to Markdown; falls back to their visible text when they are too large
page_elements.py        Renders HTML elements that have no text (frames, equations, pictures, form fields) as words
page_tables.py          HTML tables: fills merged cells and moves nested tables behind their table
plain.py                Text formats as documents: plain text and code, CSV and TSV, JSON, XML, HTML
"""
