"""all-MiniLM-L6-v2 in plain torch operations, padded and masked: what the packaged encoder is compared with."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch.nn import functional

_LAYERS, _HEADS, _HEAD_DIM, _DIM = 6, 12, 32, 384
_EPSILON = 1e-12


class TorchMiniLm:
    """The same weights by another route: BERT as the paper writes it, mean pooling, length 1."""

    def __init__(self, folder: Path) -> None:
        self._weights: dict[str, Any] = load_file(folder / "model.safetensors")
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(256)
        self._tokenizer.enable_padding()

    @torch.inference_mode()
    def rows(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit rows, shape (len(texts), 384); all texts in one batch."""
        encoded = self._tokenizer.encode_batch(list(texts))
        ids_BS = torch.tensor([one.ids for one in encoded])
        mask_BS = torch.tensor([one.attention_mask for one in encoded], dtype=torch.float32)
        x_BSD = self._embedded(ids_BS)
        for layer in range(_LAYERS):
            x_BSD = self._layer(f"encoder.layer.{layer}", x_BSD, mask_BS)
        mean_BD = (x_BSD * mask_BS[:, :, None]).sum(1) / mask_BS.sum(1, keepdim=True)
        rows: NDArray[np.float32] = functional.normalize(mean_BD, dim=1).numpy()
        return rows

    def _embedded(self, ids_BS: torch.Tensor) -> torch.Tensor:
        tables = [self._weights[f"embeddings.{name}_embeddings.weight"] for name in ("word", "position", "token_type")]
        summed = tables[0][ids_BS] + tables[1][: ids_BS.shape[1]] + tables[2][0]
        return self._normed("embeddings.LayerNorm", summed)

    def _layer(self, name: str, x_BSD: torch.Tensor, mask_BS: torch.Tensor) -> torch.Tensor:
        mixed = self._attention(f"{name}.attention.self", x_BSD, mask_BS)
        mixed = self._linear(f"{name}.attention.output.dense", mixed)
        x_BSD = self._normed(f"{name}.attention.output.LayerNorm", x_BSD + mixed)
        wide = functional.gelu(self._linear(f"{name}.intermediate.dense", x_BSD))
        return self._normed(f"{name}.output.LayerNorm", x_BSD + self._linear(f"{name}.output.dense", wide))

    def _attention(self, name: str, x_BSD: torch.Tensor, mask_BS: torch.Tensor) -> torch.Tensor:
        shape = (*mask_BS.shape, _HEADS, _HEAD_DIM)
        query, key, value = (
            self._linear(f"{name}.{part}", x_BSD).view(shape).transpose(1, 2) for part in ("query", "key", "value")
        )
        hidden = (mask_BS[:, None, None, :] == 0).expand(-1, -1, mask_BS.shape[1], -1)
        scores = (query @ key.transpose(2, 3) / _HEAD_DIM**0.5).masked_fill(hidden, -torch.inf)
        return (scores.softmax(-1) @ value).transpose(1, 2).reshape(*mask_BS.shape, _DIM)

    def _linear(self, name: str, x: torch.Tensor) -> torch.Tensor:
        return functional.linear(x, self._weights[f"{name}.weight"], self._weights[f"{name}.bias"])

    def _normed(self, name: str, x: torch.Tensor) -> torch.Tensor:
        weight, bias = self._weights[f"{name}.weight"], self._weights[f"{name}.bias"]
        return functional.layer_norm(x, (_DIM,), weight, bias, _EPSILON)
