"""The frozen model reads conversations that grow: replies as a trie, and what was read is kept without changing it."""

import importlib.util
import math

import numpy as np
import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

from benchmarks.environments.player import FrozenPlayer, list_parts
from benchmarks.frozen_model.reply_trie import ROOT, reply_probabilities, trie_of
from memento.nodes.acting.episode_prompt import actions_block, observation_block

REPLIES = [[1, 2, 3], [1, 2, 4, 9], [1, 5, 3], [6, 7, 8]]


def test_trie_holds_what_leads_to_a_fork_and_no_more() -> None:
    trie = trie_of(REPLIES)

    assert list(zip(trie.tokens, trie.parents, trie.depths, strict=True)) == [(1, ROOT, 1), (2, 0, 2)]
    assert [(fork.node, fork.tokens) for fork in trie.forks] == [(ROOT, [1, 6]), (0, [2, 5]), (1, [3, 4])]
    found = reply_probabilities(trie, [[0.0, math.log(3)], [1.0, 1.0], [0.0, 0.0]], temperature=1.0)
    assert found == pytest.approx([0.0625, 0.0625, 0.125, 0.75])
    cold = reply_probabilities(trie, [[0.0, math.log(3)], [1.0, 1.0], [0.0, 0.0]], temperature=0.5)
    assert cold[3] == pytest.approx(0.9)


def test_a_player_goes_on_with_the_list_of_its_actions() -> None:
    opening, seen = HumanMessage("<task>\nwin\n</task>"), observation_block("You see\na door.")
    turns = [SystemMessage("play"), opening, AIMessage('{"action": "look"}'), HumanMessage(seen)]
    offered = f"\n\n{actions_block(['open door', 'look'])}"
    begun = list_parts([turns[0], HumanMessage(f"{opening.text}{offered}")])

    *grown, newest = list_parts([*turns[:-1], HumanMessage(f"{seen}{offered}")])

    assert begun[-1].endswith("assistant\nActions:\n")
    assert grown == [*begun[:-1], "You see a door.\n"], "what was read before is read no more"
    assert newest.endswith("assistant\nActions:\nlook\n"), "as the cases list what was done"
    assert FrozenPlayer.written({"action": "look"}) == "look\n"


@pytest.mark.slow
@pytest.mark.skipif(not importlib.util.find_spec("transformers"), reason="needs the extra `experiment`")
def test_what_is_kept_changes_nothing_and_replies_are_as_likely_as_decoded_one_token_at_a_time() -> None:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from benchmarks.frozen_model.conversations import ConversationReader
    from benchmarks.frozen_model.engine import Conversation

    torch.manual_seed(0)
    sizes = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 3, "vocab_size": 50}
    model = LlamaForCausalLM(
        LlamaConfig(**sizes, num_attention_heads=4, num_key_value_heads=2, tie_word_embeddings=True)
    ).eval()
    ids, ends, asking = np.random.default_rng(0).integers(0, 50, 90).tolist(), [8, 50, 70, 90], [7, 7, 7]
    steps = [
        Conversation([*ids[:end], *asking], [*ends[: place + 1], end + len(asking)], REPLIES)
        for place, end in enumerate(ends)
    ]
    reader = ConversationReader(model)

    grown = [reader.converse([step])[0] for step in steps]

    assert reader.n_tokens == 90 + (len(asking) + 2) * len(steps), (
        "each token once; what asks and the trie at each step"
    )
    assert ConversationReader(model, kept_bytes=0).converse(steps[::-1]) == grown[::-1]
    trie, reply = trie_of(REPLIES), REPLIES[1]
    with torch.inference_mode():
        logit_TV = model(torch.tensor([[*steps[-1].ids, *reply]])).logits[0, 92:]
    share = math.prod(
        float(torch.softmax(logit_TV[place][list(may)], 0)[1 if place == 2 else 0])
        for place, may in enumerate([(1, 6), (2, 5), (3, 4)])
    )
    assert reply_probabilities(trie, grown[-1], 1.0)[1] == pytest.approx(share, abs=0.01)
