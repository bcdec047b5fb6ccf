"""What hostile code tries, and the host it tries it on.

files.py       snippets that reach for the host's files
secrets.py     snippets that reach for its environment, keys and descriptors
kernel.py      snippets that reach for its kernel
talking.py     snippets that reach for a network, a socket, another process
exhausting.py  snippets that take more than they may, or do not end
sockets.py     snippets that take memory that is in no process
modes.py       snippets that leave files which act for us, or lead the host elsewhere while it lists them
snippet.py     what a snippet is
trap.py        a host full of secrets, servers and witnesses
hosts_view.py  what the host sees of a workspace
"""
