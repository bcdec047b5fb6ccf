"""Documents that mean harm.

made_documents.py   honest ones, to begin with
case.py             what a case is
bombs.py            little that becomes much
archives.py         paths that lead elsewhere, links, bombs
office.py           Word, Excel, PowerPoint, OpenDocument, RTF
pdfs.py             PDF
texts.py            XML, JSON, HTML, CSV, sparse files, wrong names
"""
