"""The frozen model reads conversations that grow: replies as a trie, and what was read is kept without changing it."""

import importlib.util
import math

import numpy as np
import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

from benchmarks.environments.player import _ACTIONS, FrozenPlayer
from benchmarks.frozen_model.chat_model import chat_parts, chat_text
from benchmarks.frozen_model.reply_trie import ROOT, reply_probabilities, trie_of
from memento.nodes.acting.episode_prompt import actions_block
from memento.nodes.acting.model_actor import action_schema

REPLIES = [[1, 2, 3], [1, 2, 4, 9], [1, 5, 3], [6, 7, 8]]


def test_trie_holds_what_leads_to_a_fork_and_no_more() -> None:
    trie = trie_of(REPLIES)

    assert list(zip(trie.tokens, trie.parents, trie.depths, strict=True)) == [(1, ROOT, 1), (2, 0, 2)]
    assert [(fork.node, fork.tokens) for fork in trie.forks] == [(ROOT, [1, 6]), (0, [2, 5]), (1, [3, 4])]
    found = reply_probabilities(trie, [[0.0, math.log(3)], [1.0, 1.0], [0.0, 0.0]], temperature=1.0)
    assert found == pytest.approx([0.0625, 0.0625, 0.125, 0.75])
    cold = reply_probabilities(trie, [[0.0, math.log(3)], [1.0, 1.0], [0.0, 0.0]], temperature=0.5)
    assert cold[3] == pytest.approx(0.9)


def test_conversation_only_grows_without_the_list_of_actions() -> None:
    system, first = SystemMessage("play"), HumanMessage("a room")
    turns = [system, first, AIMessage('{"action": "look"}'), HumanMessage("a door")]

    assert chat_parts(turns)[:2] == chat_parts(turns[:2])
    assert "".join(chat_parts(turns)) == chat_text(turns)
    assert _ACTIONS.sub("", f"a door\n\n{actions_block(['open door', 'look'])}") == "a door"
    assert FrozenPlayer.written({"action": "look"}) == '{"action": "look"}'
    assert action_schema(("look",)).model_validate_json(FrozenPlayer.written({"action": "look"})).action == "look"


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
    ids, ends = np.random.default_rng(0).integers(0, 50, 90).tolist(), [8, 50, 70, 90]
    steps = [Conversation(ids[:end], ends[: place + 1], REPLIES) for place, end in enumerate(ends)]
    reader = ConversationReader(model)

    grown = [reader.converse([step])[0] for step in steps]

    assert reader.n_tokens == 90 + 2 * len(steps), "each token once, and the trie of each step"
    assert ConversationReader(model, kept_bytes=0).converse(steps[::-1]) == grown[::-1]
    trie, reply = trie_of(REPLIES), REPLIES[1]
    with torch.inference_mode():
        logit_TV = model(torch.tensor([[*ids, *reply]])).logits[0, 89:]
    share = math.prod(
        float(torch.softmax(logit_TV[place][list(may)], 0)[1 if place == 2 else 0])
        for place, may in enumerate([(1, 6), (2, 5), (3, 4)])
    )
    assert reply_probabilities(trie, grown[-1], 1.0)[1] == pytest.approx(share, abs=0.01)
