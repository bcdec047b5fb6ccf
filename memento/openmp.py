"""How OpenMP's threads wait for each other, which the local model and torch share where both are loaded."""

import os


def wait_without_spinning() -> None:
    """Let idle threads sleep, unless the environment says otherwise; call it before any library loads OpenMP.

    The default, threads that spin, makes a local model 10 to 40 times slower as soon as anything else uses the cores.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
