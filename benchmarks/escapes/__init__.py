"""What hostile code tries, and the host it tries it on.

reaching.py    snippets that reach for the host's files, secrets, kernel and processes
talking.py     snippets that reach for a network, a socket, another process
exhausting.py  snippets that take more than they may, or do not end
snippet.py     what a snippet is
trap.py        a host full of secrets, servers and witnesses
"""
