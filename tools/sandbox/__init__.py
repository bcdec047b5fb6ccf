"""Code of a model's making, run where it reaches nothing but the run's workspace.

port.py           what a sandbox is
choice.py         which one is used, and why not a better one
bubblewrap.py     Linux namespaces, the best there is
seccomp.py        the system calls it refuses
monty.py          a Python interpreter without a way out, on any system
docker.py         a container engine
e2b.py            a service's virtual machines
unsafe_local.py   no sandbox, only when asked for by name
watchdog.py       limits over all processes of an execution
processes.py      what they use
socket_memory.py  what their sockets may hold
control_group.py  the kernel's own count, where it can be had
footprint.py      what lies in the workspace
workspace_cleanup.py  what code must not leave there
shell_command.py  the command that runs inside
runner.py         the program that runs Python like a notebook's cell
run_code.py       the tools: run_python, run_shell
"""
