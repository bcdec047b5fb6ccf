"""The executor's tools: documents, files, media, code and the web; imports none of the other rooms."""
