"""The reference implementation's value head and its training, kept to compare with and to show what it learns.

concat[enc(case and plan), enc(query)] -> 512 -> ReLU -> dropout -> 2, cross-entropy weighted against the rarer outcome,
AdamW. The encoder is frozen here; the reference fine-tunes it (hours instead of seconds), with batches of 32 and a
learning rate of 2e-5. Axes: P pairs of a task and a served case, D vector dimensions, B pairs of a batch.
"""

import copy
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from memento.memory.case import POSITIVE_FROM
from memento.memory.estimators.port import Example

_BATCH = 256
_HIDDEN = 512
_LEARNING_RATE = 1e-3


class Pairs(NamedTuple):
    """One row per served case, each with the outcome of its event: what the reference trains on."""

    state_PD: NDArray[np.float32]
    case_PD: NDArray[np.float32]
    reward_P: NDArray[np.float64]
    question_P: NDArray[np.str_]
    example_P: NDArray[np.intp]
    """Which example each row comes from."""

    def take(self, row_P: NDArray[np.intp]) -> "Pairs":
        """Some of the rows."""
        return Pairs(
            self.state_PD[row_P],
            self.case_PD[row_P],
            self.reward_P[row_P],
            self.question_P[row_P],
            self.example_P[row_P],
        )


def pairs_of(examples: Sequence[Example]) -> Pairs:
    """The rows of examples, which have the view `text` of their cases and serve at least one case between them."""
    served = [example for example in examples if len(example.cases)]
    n_served = [len(example.cases) for example in examples]
    return Pairs(
        np.concatenate([np.tile(one.state_D, (len(one.cases), 1)) for one in served]),
        np.concatenate([one.cases.vectors["text"] for one in served]),
        np.repeat([one.reward for one in examples], n_served),
        np.repeat([one.question for one in examples], n_served),
        np.repeat(np.arange(len(examples)), n_served),
    )


class ReferenceHead:
    """A trained head."""

    def __init__(self, layers: torch.nn.Module, *, sees_cases: bool) -> None:
        self._layers = layers.eval()
        self._sees_cases = sees_cases

    def predict(self, state_PD: NDArray[np.float32], case_PD: NDArray[np.float32]) -> NDArray[np.float64]:
        """Probabilities of success, shape (P,)."""
        with torch.inference_mode():
            logit_P2 = self._layers(_inputs(state_PD, case_PD, sees_cases=self._sees_cases))
            p_P: NDArray[np.float64] = torch.softmax(logit_P2, dim=1)[:, 1].double().numpy()
            return p_P


def trained_heads(
    train: Pairs,
    *,
    epochs: Sequence[int],
    seed: int,
    sees_cases: bool = True,
    tick: Callable[[], None] = lambda: None,
) -> list[ReferenceHead]:
    """Train one head, and keep it as it was after each of these numbers of passes over the rows.

    Args:
        train: at least one row.
        epochs: numbers of passes.
        seed: of weights, order and dropout.
        sees_cases: False blanks the case half, which leaves a model of the question alone.
        tick: called after every pass.
    """
    with torch.random.fork_rng(devices=[]):  # a host's random state is not ours to change
        torch.manual_seed(seed)
        input_PX = _inputs(train.state_PD, train.case_PD, sees_cases=sees_cases)
        label_P = torch.from_numpy(train.reward_P >= POSITIVE_FROM).long()
        layers = torch.nn.Sequential(
            torch.nn.Linear(input_PX.shape[1], _HIDDEN),
            torch.nn.ReLU(),
            torch.nn.Dropout(0.2),
            torch.nn.Linear(_HIDDEN, 2),
        )
        optimizer = torch.optim.AdamW(layers.parameters(), lr=_LEARNING_RATE, weight_decay=0.01)
        weight_2 = _against_the_rarer(label_P)
        kept: list[ReferenceHead] = []
        for epoch in range(1, max(epochs) + 1):
            order_P = torch.randperm(len(label_P))
            for start in range(0, len(label_P), _BATCH):
                row_B = order_P[start : start + _BATCH]
                optimizer.zero_grad()
                loss = functional.cross_entropy(layers(input_PX[row_B]), label_P[row_B], weight=weight_2)
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
            tick()
            if epoch in epochs:
                kept.append(ReferenceHead(copy.deepcopy(layers), sees_cases=sees_cases))
    return kept


def _inputs(state_PD: NDArray[np.float32], case_PD: NDArray[np.float32], *, sees_cases: bool) -> torch.Tensor:
    case_PD = case_PD if sees_cases else np.zeros_like(case_PD)
    return torch.from_numpy(np.concatenate([case_PD, state_PD], axis=1))


def _against_the_rarer(label_P: torch.Tensor) -> torch.Tensor:
    n_positive = int(label_P.sum())
    count_2 = torch.tensor([len(label_P) - n_positive, n_positive], dtype=torch.float32)
    return len(label_P) / (2 * count_2.clamp(min=1))
