"""Web tools: search, fetch pages and download files, guarded against requests to private addresses (SSRF).

web_search.py         The web_search tool: asks one provider after another until one finds something
search_port.py        Web search port: what a provider is given, and what it returns
tavily.py             Tavily's search and page extraction; both also work without a key, rate-limited
searxng.py            Web search through a self-hosted SearxNG instance
fetch_page.py         The fetch_page tool: one public page as text, or the passages that match a question
download_file.py      The download_file tool: downloads one public file of any kind into the workspace
fetch.py              Fetches a page or file: SSRF guard, robots.txt, limits of time and size
transport.py          HTTP transport with the SSRF guard built in
ssrf_guard.py         SSRF guard: allows fetches of public addresses
robots.py             Robots.txt rules of sites (RFC 9309), cached for a while
response_body.py      Reads a response body within a limit on its decompressed size
media_types.py        Media types of fetched pages, from the Content-Type header or the first bytes
charsets.py           Charset detection for web pages, whose declared charset is often wrong
extraction.py         Extracts the main text of an HTML page, in a child process that can be killed
visible_text.py       Extracts all visible text of a page in linear time: the fallback when no main text is found
passage_selection.py  Shortens a long text to the passages that match a query, in the text's order
result_text.py        Formats web search results for the model
"""
