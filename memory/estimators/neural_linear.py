"""The model behind `cascade`: features of a small network, a logistic-linear head theta, and the inverse of A.

Axes: N pairs of a task and a case, B pairs of one step, X inputs, H hidden units, P features, D vector dimensions.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from memento.memory.estimators.port import CaseRows, Example

_HIDDEN = 64
_PAIRS = 64
"""Pairs in a step of a fit."""


class ServedPairs(NamedTuple):
    """One outcome: a pair of task and case for each case served."""

    offset: int
    input_NX: Tensor
    cosine_N: Tensor
    reward: float
    confidence: float
    ids: tuple[str, ...]

    @classmethod
    def of(cls, example: Example) -> "ServedPairs":
        """Those of an example."""
        inputs = pair_inputs(example.state_D, example.cases)
        return cls(example.offset, *inputs, example.reward, example.confidence, example.cases.ids)


class PairFeatures(nn.Module):
    """phi(s, c): hidden units of length 1 and the cosine; theta as their weights in the logit."""

    def __init__(self, *, dim: int, relevance: float) -> None:
        """Make an untrained network whose logit is `relevance` times the cosine."""
        super().__init__()
        self.hidden = nn.Linear(2 * dim, _HIDDEN)
        self.theta = nn.Linear(_HIDDEN + 1, 1, bias=False)
        with torch.no_grad():
            self.theta.weight.zero_()
            self.theta.weight[0, -1] = relevance

    def forward(self, input_NX: Tensor, cosine_N: Tensor) -> Tensor:
        """Features, shape (N, P)."""
        hidden_NH = functional.normalize(torch.relu(self.hidden(input_NX)), dim=-1)
        return torch.cat([hidden_NH, cosine_N[:, None]], dim=-1)


class NeuralLinear(NamedTuple):
    """What was learned."""

    net: PairFeatures
    theta_P: Tensor
    inverse_PP: Tensor
    """A^-1."""

    def bounds(self, input_NX: Tensor, cosine_N: Tensor) -> tuple[Tensor, Tensor]:
        """P of each pair, and the width of its confidence."""
        with torch.inference_mode():
            phi_NP = self.net(input_NX, cosine_N)
            value_N = torch.sigmoid(torch.matmul(phi_NP, self.theta_P))
            return value_N, (torch.matmul(phi_NP, self.inverse_PP) * phi_NP).sum(-1).clamp_min(0).sqrt()

    def stepped(self, served: ServedPairs, *, rate: float) -> "NeuralLinear":
        """One gradient step of theta, and a rank-one update of A^-1 (Sherman-Morrison) per pair."""
        theta_P, inverse_PP, sure = self.theta_P, self.inverse_PP, served.confidence
        with torch.no_grad():
            phi_NP = self.net(served.input_NX, served.cosine_N)
            error_N = torch.sigmoid(torch.matmul(phi_NP, theta_P)) - served.reward
            theta_P = theta_P - rate * sure * (error_N[:, None] * phi_NP).mean(0)
            for phi_P in phi_NP:
                along_P = torch.matmul(inverse_PP, phi_P)
                shrunk = sure / (1 + sure * (phi_P * along_P).sum())
                inverse_PP = inverse_PP - shrunk * along_P[:, None] * along_P
        return NeuralLinear(self.net, theta_P, inverse_PP)


def untrained(settings: Mapping[str, float], *, dim: int, seed: int) -> NeuralLinear:
    """The model before any outcome, the same for one seed."""
    with torch.random.fork_rng(devices=[]):  # a host's random state is not ours to change
        torch.manual_seed(seed)
        net = PairFeatures(dim=dim, relevance=settings["relevance"])
    return NeuralLinear(net, net.theta.weight.detach()[0].clone(), torch.eye(_HIDDEN + 1) / settings["ridge"])


def fitted(served: Sequence[ServedPairs], settings: Mapping[str, float], *, dim: int, seed: int) -> NeuralLinear:
    """Network, theta and A from these outcomes alone; random draws come from the seed and the last one's offset."""
    start = untrained(settings, dim=dim, seed=seed)
    if not served:
        return start
    net = start.net
    input_NX, cosine_N = torch.cat([one.input_NX for one in served]), torch.cat([one.cosine_N for one in served])
    n_of = torch.tensor([len(one.ids) for one in served])
    reward_N = torch.tensor([one.reward for one in served]).repeat_interleave(n_of)
    weight_N = torch.tensor([one.confidence for one in served]).repeat_interleave(n_of)
    generator = torch.Generator().manual_seed(seed * 1_000_003 + served[-1].offset)
    rate, decay = settings["learning_rate"], settings["weight_decay"]
    optimizer = torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=decay, fused=True)
    for _ in range(int(settings["steps"])):
        row_B = torch.randint(len(reward_N), (_PAIRS,), generator=generator)
        optimizer.zero_grad()
        logit_B = net.theta(net(input_NX[row_B], cosine_N[row_B]))[:, 0]
        loss: Tensor = functional.binary_cross_entropy_with_logits(logit_B, reward_N[row_B], weight=weight_N[row_B])
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    with torch.no_grad():
        phi_NP = net(input_NX, cosine_N)
        design_PP = torch.matmul(phi_NP.T, weight_N[:, None] * phi_NP)
        design_PP.diagonal().add_(settings["ridge"])
        return NeuralLinear(net, net.theta.weight.detach()[0].clone(), torch.linalg.inv(design_PP))


def pair_inputs(state_D: NDArray[np.float32], cases: CaseRows) -> tuple[Tensor, Tensor]:
    """What the network sees of each pair, about 1 in size, and the cosines."""
    case_ND, task_D = torch.from_numpy(np.array(cases.vectors["state"])), torch.from_numpy(np.array(state_D))
    dim = len(task_D)
    input_NX = torch.cat([dim * case_ND * task_D, dim**0.5 * (case_ND - task_D).abs()], dim=-1)
    return input_NX, torch.from_numpy(np.array(cases.similarity_N, np.float32))
