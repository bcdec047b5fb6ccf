"""What is answered, given the cases shown: a rule fitted to prompts of SmolLM2-135M.

One, two, three or four cases that worked and agree are followed with a probability of .47, .66, .91 and .97 (27, 17, 17
and 5 prompts of house rules); where they disagree, each name by its votes. What follows none of them is a guess by the
reader's own habit. Failed cases are hidden, as in the experiment with the model, or shown: then a name that only failed
is neither followed nor guessed.
"""

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

Failures = Literal["hidden", "shown"]
FAILURES: tuple[Failures, ...] = get_args(Failures)

FOLLOWS = (0.0, 0.47, 0.66, 0.91, 0.97)
"""Probability of following cases that worked, by their number; more than four count as four."""


def answers(
    name_M: Sequence[int], has_worked_M: Sequence[bool], habit_A: NDArray[np.float64], *, failures: Failures = "hidden"
) -> NDArray[np.float64]:
    """Probability of each answer, shape (A,).

    Args:
        name_M: what each of the cases shown did, as a position among the answers.
        has_worked_M: whether that was right.
        habit_A: how often each answer is given without any case; sums to 1.
        failures: whether failed cases are shown.
    """
    is_shown = np.array(has_worked_M, np.bool_)
    name = np.array(name_M, np.intp)
    votes_A = np.bincount(name[is_shown], minlength=len(habit_A)).astype(np.float64)
    guess_A = habit_A
    if failures == "shown":
        failed_A = np.bincount(name[~is_shown], minlength=len(habit_A)) > 0
        left_A = np.where(failed_A & (votes_A == 0), 0.0, habit_A)
        guess_A = left_A / left_A.sum() if left_A.sum() else habit_A
    n = int(votes_A.sum())
    follows = FOLLOWS[min(n, len(FOLLOWS) - 1)]
    answer_A: NDArray[np.float64] = follows * votes_A / max(n, 1) + (1 - follows) * guess_A
    return answer_A
