"""Teams that hand the conversation over: langgraph-supervisor and langgraph-swarm."""

import warnings

from langchain.agents import create_agent
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import MessagesState
from langgraph.managed import RemainingSteps
from langgraph_supervisor import create_supervisor
from langgraph_swarm import SwarmState, create_handoff_tool, create_swarm

from memento.graph.deps import Deps
from memento.graph.workflow import build_graph
from memento.memory.case_memory import CaseMemory
from tests.hosts.brain import Brain, lead
from tests.hosts.port import GraphHost


class TeamState(MessagesState):
    """The supervisor's state, and the key that our graph shares with it."""

    remaining_steps: RemainingSteps
    event_id: str | None


class HandedOver(SwarmState):
    """The swarm's state, and the key that our graph shares with it."""

    event_id: str | None


def supervisor(brain: Brain, memory: CaseMemory) -> GraphHost:
    """A supervisor whose only agent is our graph."""
    graph = build_graph(Deps(memory=memory, **brain.models()))
    with warnings.catch_warnings():  # of its own call
        warnings.filterwarnings("ignore", "create_react_agent has been moved")
        team = create_supervisor([graph], model=lead(brain, "transfer_to_memento"), state_schema=TeamState)
    return GraphHost(team.compile(checkpointer=InMemorySaver()), memory, lambda result: result["event_id"])


def swarm(brain: Brain, memory: CaseMemory) -> GraphHost:
    """A swarm whose first agent hands over to our graph, which stays the active one."""
    graph = build_graph(Deps(memory=memory, **brain.models()))
    over = create_handoff_tool(agent_name="memento")
    first = create_agent(lead(brain, "transfer_to_memento"), [over], name="first")
    team = create_swarm([first, graph], default_active_agent="first", state_schema=HandedOver)
    return GraphHost(team.compile(checkpointer=InMemorySaver()), memory, lambda result: result["event_id"])
