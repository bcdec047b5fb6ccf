"""Sandboxes: run untrusted code with access to nothing but the run's workspace.

port.py               Sandbox port: runs untrusted code in a workspace within limits, and leaves nothing behind
choice.py             Chooses the sandbox: the one named in the settings, or the best that works
bubblewrap.py         Sandbox in Linux namespaces with bubblewrap (`bwrap`): no network, no files but the workspace
seccomp.py            Seccomp filter for bubblewrap: BPF bytecode that refuses system calls
monty.py              Sandbox in Monty, a Python interpreter without system access: works anywhere
docker.py             Sandbox in a container of Docker or Podman
e2b.py                Sandbox in a virtual machine of E2B, a cloud service
unsafe_local.py       No sandbox: code as a plain process that can read, change and send whatever its user can
turns.py              Limits how many executions run at once, for callers of any number of event loops
watchdog.py           Runs a program within limits: feeds its stdin, captures its output
processes.py          Resource usage of an execution's processes, read from /proc
socket_memory.py      Upper bound of the memory held by sockets of a network namespace, read from /proc
control_group.py      Control group (cgroup v2) of one execution: the kernel counts and limits all its memory
footprint.py          Counts files and bytes below a folder that untrusted code writes to, without following links
workspace_cleanup.py  Cleans up a workspace after untrusted code: set-id bits, file capabilities, devices
shell_command.py      Shell command that sets resource limits and starts the interpreter inside a sandbox
runner.py             Runs the code on stdin like a notebook cell. Passed to the sandbox's interpreter as text
run_code.py           The tools `run_python` and `run_shell`: run code in a sandbox; output is truncated
"""
