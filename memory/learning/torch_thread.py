"""A thread for small torch work, with one core and no more.

A head of a hundred thousand weights gains nothing from a second core, and on a busy machine the cores that wait for
each other burn ten times the work. Torch's setting is made for this thread only; the host's stays what it was.
"""

import threading
from concurrent.futures import ThreadPoolExecutor


def torch_thread() -> ThreadPoolExecutor:
    """An executor of one such thread. Importing torch waits until its first use, and happens there."""
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="memento-torch", initializer=_take_one_core)


def _take_one_core() -> None:
    import torch

    hosts = torch.get_num_threads()
    torch.set_num_threads(1)
    # The call counts for the thread that makes it, and for threads that have not used torch yet: those get the host's
    # number back, from a thread that ends at once.
    restoring = threading.Thread(target=torch.set_num_threads, args=(hosts,))
    restoring.start()
    restoring.join()
