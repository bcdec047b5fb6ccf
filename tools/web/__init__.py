"""The web: search it, and read its pages, without going where a model or a page must not lead.

web_search.py     the tool: providers asked one after another
search_port.py    what a provider is given, and what it finds
tavily.py         a provider, also a reader of pages
searxng.py        a provider: one's own metasearch
fetch_page.py     the tool: one page as text, or what of it matches a question
download_file.py  the tool: a file of any kind, brought into the workspace
fetch.py          a page or file over the network, within limits
transport.py      the guard in the way of every connection
guard.py          which addresses are public
robots.py         what a site's robots.txt allows
body.py           an answer's body, unpacked within a limit
media_types.py    what a page is
charsets.py       its characters
extraction.py     its main text, found in a child process
visible_text.py   all of its text, when no main text is found
compression.py    what of a long text matters to a question
wording.py        how findings are put into words
"""
