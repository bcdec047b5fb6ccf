"""Small torch work on one core: the host's setting is nobody's business but the host's."""

import threading

import torch

from memento.memory.learning.torch_thread import torch_thread


def test_thread_computes_on_one_core_when_the_host_uses_more() -> None:
    hosts = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with torch_thread() as thread:
            inside = thread.submit(torch.get_num_threads).result()
            outside: list[int] = []
            fresh = threading.Thread(target=lambda: outside.append(torch.get_num_threads()))
            fresh.start()
            fresh.join()
        assert inside == 1
        assert (torch.get_num_threads(), outside) == (2, [2])
    finally:
        torch.set_num_threads(hosts)


def test_work_is_done_in_order_when_it_comes_at_once() -> None:
    done: list[int] = []
    with torch_thread() as thread:
        for number in range(20):
            thread.submit(done.append, number)
    assert done == list(range(20))
