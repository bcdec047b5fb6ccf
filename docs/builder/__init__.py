"""Builds the documentation: generated parts of its pages, the site, and llms.txt.

code_parts.py       parts generated from the code: settings, events, the tree of modules, quick starts
command_pages.py    parts generated from the command line and the HTTP routes
workflow_picture.py the compiled graph as SVG
repository.py       the repository's address, and links to its files
navigation.py       the pages in their order, from docs/navigation.toml
staging.py          pages as the site generator reads them
reference.py        public names, and the page of the reference that has each
html_links.py       links and anchors of the built site that lead nowhere
llms.py             llms.txt: a line for each page
site.py             builds the site
"""
