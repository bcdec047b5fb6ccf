"""The Q-function Q(s, c; theta): probability that a task succeeds with this case (paper Eq. 15: Q ~ p(r = 1 | s, c)).

A small head on frozen vectors, as in the reference: concat[enc(s), enc(c)] -> hidden -> ReLU -> logit, where enc(c)
encodes the case's state and action together. Axes: B pairs, D vector dimensions.
"""

import torch
from torch import Tensor, nn


class QFunction(nn.Module):
    """The value head."""

    def __init__(self, *, dim: int, hidden: int = 128) -> None:
        """Make an untrained head.

        Args:
            dim: dimension D of the encoder's vectors.
            hidden: width of the hidden layer.
        """
        super().__init__()
        self.dim = dim
        self.layers = nn.Sequential(nn.Linear(2 * dim, hidden), nn.ReLU(), nn.Linear(hidden, 1))

    def forward(self, state_BD: Tensor, case_BD: Tensor) -> Tensor:
        """Logits of Q, shape (B,)."""
        logit_B1: Tensor = self.layers(torch.cat([state_BD, case_BD], dim=-1))
        return logit_B1.squeeze(-1)
