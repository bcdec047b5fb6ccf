"""Reads prompts in batches: SmolLM2's forward pass in 32 bits, whose numbers do not depend on the batch.

Prompts of a batch are put end to end, without padding: matrices see all their tokens together, attention each prompt
alone. So a prompt is read alike whatever is read beside it, and a run that was killed goes on as it would have. The
system message, which all begin with, is read once. Bfloat16 is faster on some processors, and on a Xeon without AMX
takes twice as long.

Axes: B prompts, T new tokens of a batch, I inputs, O outputs, H heads, G heads of keys, D dimensions of a head.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch.nn import functional

_TOGETHER = 4
"""Prompts in one pass: with more, what is passed from layer to layer no longer fits the processor's cache."""


class _Product:
    """One or several matrices of the same input, side by side, laid out for the processor.

    `functional.linear` is slower for few tokens, and what it gives for fewer than sixteen differs in the last digit.
    """

    def __init__(self, *matrices_OI: torch.Tensor) -> None:
        self._weight = torch.ops.mkldnn._reorder_linear_weight(torch.cat(matrices_OI), None)

    def __call__(self, value_TI: torch.Tensor) -> torch.Tensor:
        n_new = len(value_TI)
        if n_new == 1:  # one token alone goes another way, which differs too
            value_TI = value_TI.expand(2, -1).contiguous()
        found_TO: torch.Tensor = torch.ops.mkldnn._linear_pointwise(value_TI, self._weight, None, "none", [], "")
        return found_TO[:n_new]


class _Layer(NamedTuple):
    before_attention_I: torch.Tensor
    attended: _Product
    """Queries, keys and values."""
    out: _Product
    before_mlp_I: torch.Tensor
    gated: _Product
    """Gate and values."""
    down: _Product


class _Beginning(NamedTuple):
    """What a system message left: keys and values of each layer."""

    key_GTD: list[torch.Tensor]
    value_GTD: list[torch.Tensor]


_NOTHING = _Beginning([], [])


class BatchReader:
    """SmolLM2, or another Llama that ties its embeddings, for one thread."""

    def __init__(self, model: Any) -> None:
        """Take the weights over.

        Args:
            model: a `LlamaForCausalLM` with weights of 32 bits.
        """
        config, weights = model.config, model.state_dict()
        self._n_heads, self._n_keys = config.num_attention_heads, config.num_key_value_heads
        self._dim, self._epsilon = config.head_dim, config.rms_norm_eps
        self._embedding_VI, self._last_I = weights["model.embed_tokens.weight"], weights["model.norm.weight"]
        self._layers = [_layer(weights, f"model.layers.{number}.") for number in range(config.num_hidden_layers)]
        rate_D = config.rope_parameters["rope_theta"] ** -(torch.arange(0, self._dim, 2) / self._dim)
        self._rate_D = torch.cat([rate_D, rate_D])
        self._beginnings: dict[tuple[int, ...], _Beginning] = {}

    def read(
        self, prompts: Sequence[Sequence[int]], allowed: Sequence[Sequence[int]], *, n_shared: int
    ) -> list[tuple[float, ...]]:
        """Probabilities of the next token among those allowed.

        Args:
            prompts: B prompts as tokens.
            allowed: tokens that may come next, for each prompt.
            n_shared: how many tokens the prompts have in common, from the first on; fewer than the shortest has.
        """
        with torch.inference_mode():
            beginning = self._beginning(tuple(prompts[0][:n_shared])) if n_shared else _NOTHING
            found: list[tuple[float, ...]] = []
            for start in range(0, len(prompts), _TOGETHER):
                new = [ids[n_shared:] for ids in prompts[start : start + _TOGETHER]]
                state_BI = self._states(new, beginning, n_before=n_shared)
                for row_I, tokens in zip(state_BI, allowed[start : start + _TOGETHER], strict=True):
                    logit_A = self._embedding_VI[list(tokens)] @ row_I
                    found.append(tuple(torch.softmax(logit_A.double(), 0).tolist()))
            return found

    def _beginning(self, ids: tuple[int, ...]) -> _Beginning:
        if ids not in self._beginnings:
            kept = _Beginning([], [])
            self._states([ids], _NOTHING, n_before=0, keep=kept)
            self._beginnings[ids] = kept
        return self._beginnings[ids]

    def _states(
        self,
        prompts: Sequence[Sequence[int]],
        beginning: _Beginning,
        *,
        n_before: int,
        keep: _Beginning | None = None,
    ) -> torch.Tensor:
        """State after the last token of each prompt, shape (B, I), normalised."""
        lengths = [len(ids) for ids in prompts]
        turn_T1D = self._turns(lengths, n_before)
        masks = [torch.ones(n, n_before + n, dtype=torch.bool).tril(n_before) for n in lengths]
        value_TI = self._embedding_VI[torch.tensor([one for ids in prompts for one in ids])]
        for number, layer in enumerate(self._layers):
            mixed_TO = layer.attended(self._normed(value_TI, layer.before_attention_I))
            query_THD, key_TGD, value_TGD = self._heads(mixed_TO, turn_T1D)
            if keep is not None:
                keep.key_GTD.append(key_TGD.transpose(0, 1))
                keep.value_GTD.append(value_TGD.transpose(0, 1))
            seen = []
            for mask, query, key, value in zip(
                masks, query_THD.split(lengths), key_TGD.split(lengths), value_TGD.split(lengths), strict=True
            ):
                key_GTD, value_GTD = key.transpose(0, 1), value.transpose(0, 1)
                if n_before:
                    key_GTD = torch.cat([beginning.key_GTD[number], key_GTD], 1)
                    value_GTD = torch.cat([beginning.value_GTD[number], value_GTD], 1)
                seen.append(attended(query.transpose(0, 1), key_GTD, value_GTD, mask))
            value_TI = value_TI + layer.out(torch.cat(seen))
            gate_TO, up_TO = layer.gated(self._normed(value_TI, layer.before_mlp_I)).chunk(2, 1)
            value_TI = value_TI + layer.down(functional.silu(gate_TO).mul_(up_TO))
        return self._normed(value_TI[torch.tensor(lengths).cumsum(0) - 1], self._last_I)

    def _normed(self, value_TI: torch.Tensor, weight_I: torch.Tensor) -> torch.Tensor:
        return functional.rms_norm(value_TI, value_TI.shape[1:], weight_I, self._epsilon)

    def _turns(self, lengths: Sequence[int], n_before: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Cosine and sine of each new token's place (RoPE, arXiv 2104.09864), shape (T, 1, D) each."""
        place_T = torch.cat([torch.arange(n_before, n_before + n) for n in lengths])
        angle_T1D = (place_T[:, None] * self._rate_D)[:, None]
        return angle_T1D.cos(), angle_T1D.sin()

    def _heads(
        self, mixed_TO: torch.Tensor, turn_T1D: tuple[torch.Tensor, torch.Tensor]
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Queries and keys, turned, and values."""
        whole = mixed_TO.view(len(mixed_TO), -1, self._dim)
        turned, value_TGD = whole[:, : -self._n_keys], whole[:, -self._n_keys :]
        first, second = turned.chunk(2, 2)
        cosine_T1D, sine_T1D = turn_T1D
        turned = turned * cosine_T1D + torch.cat([-second, first], 2) * sine_T1D
        return turned[:, : self._n_heads], turned[:, self._n_heads :], value_TGD


def attended(
    query_HTD: torch.Tensor, key_GTD: torch.Tensor, value_GTD: torch.Tensor, mask: torch.Tensor | None
) -> torch.Tensor:
    """Attention of one prompt, shape (its new tokens, H x D); without a mask each sees those before it."""
    found_HTD = functional.scaled_dot_product_attention(
        query_HTD[None], key_GTD[None], value_GTD[None], attn_mask=mask, is_causal=mask is None, enable_gqa=True
    )[0]
    return found_HTD.transpose(0, 1).flatten(1)


def _layer(weights: dict[str, torch.Tensor], name: str) -> _Layer:
    def of(part: str) -> torch.Tensor:
        return weights[f"{name}{part}.weight"]

    return _Layer(
        of("input_layernorm"),
        _Product(*(of(f"self_attn.{one}_proj") for one in "qkv")),
        _Product(of("self_attn.o_proj")),
        of("post_attention_layernorm"),
        _Product(of("mlp.gate_proj"), of("mlp.up_proj")),
        _Product(of("mlp.down_proj")),
    )
