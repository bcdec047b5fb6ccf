"""Code without an event loop: the threads of a web server (Flask, Django), a Celery worker, Streamlit, a script.

    pip install memento-langgraph
    OPENAI_API_KEY=... python examples/threads_without_asyncio.py

Eight requests at once, each in a thread of its own, share one memory and one graph. A pool of threads stands for the
server; with Flask the function below is a view, and the `with` block is around `app.run()`.
"""

from concurrent.futures import ThreadPoolExecutor

from memento import CaseMemory, Deps, build_graph

QUESTIONS = [f"What is {number} times {number}? Answer with the number alone." for number in range(1, 9)]


def main() -> None:
    """Ask everything, tell how well it went, and ask once more."""
    with CaseMemory.open_sync("./bank") as memory:
        models = {"planner": "openai:gpt-4.1", "executor": "openai:gpt-4.1-mini", "judge": "openai:gpt-4.1-mini"}
        graph = build_graph(Deps(memory=memory, **models))

        def view(number: int) -> str:
            """Answer one request, as the view of a web framework."""
            result = graph.invoke({"task": QUESTIONS[number]})
            is_right = result["answer"] == str((number + 1) ** 2)
            memory.feedback(result["event_id"], float(is_right))  # late feedback of a user, say
            return str(result["answer"])

        with ThreadPoolExecutor(8) as threads:
            for question, answer in zip(QUESTIONS, threads.map(view, range(8)), strict=True):
                print(f"{question} {answer}")
        for part in graph.stream({"task": QUESTIONS[3], "reference": "16"}, stream_mode="custom"):
            print(part["event"])
        print(f"{memory.n_outcomes()} outcomes learned from")


if __name__ == "__main__":
    main()
