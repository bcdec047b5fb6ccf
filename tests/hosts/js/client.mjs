// One call to the served graph with the LangGraph SDK for JavaScript. Reads JSON from the command line:
//   node client.mjs '{"url": "http://...", "call": "ask" | "stream" | "resume" | "feedback", ...}'
// and prints JSON, one value a line, as soon as there is one.

import { Client } from "@langchain/langgraph-sdk";

const given = JSON.parse(process.argv[2]);
const client = new Client({ apiUrl: given.url, apiKey: null });
const say = (value) => console.log(JSON.stringify(value));

const input = { messages: [{ role: "user", content: given.text }] };
const told = ({ answer, event_id, __interrupt__ = [] }) => ({
  answer: __interrupt__.length ? "" : answer,
  event_id: __interrupt__.length ? null : event_id,
  waiting: __interrupt__.map((one) => one.value),
});

async function onThread(payload) {
  await client.threads.create({ threadId: given.thread, ifExists: "do_nothing" });
  return told(await client.runs.wait(given.thread, "memento", payload));
}

const calls = {
  async ask() {
    say(await onThread({ input, context: { approve_plan: given.approve_plan } }));
  },
  async resume() {
    say(await onThread({ command: { resume: given.reply }, context: { approve_plan: true } }));
  },
  async stream() {
    await client.threads.create({ threadId: given.thread, ifExists: "do_nothing" });
    let state = {};
    for await (const part of client.runs.stream(given.thread, "memento", { input, streamMode: ["custom", "values"] })) {
      if (part.event === "error") throw new Error(JSON.stringify(part.data));
      if (part.event === "custom") say({ event: part.data.event });
      if (part.event === "values") state = part.data;
    }
    say({ answer: state.answer });
  },
  async feedback() {
    const response = await fetch(`${given.url}/feedback`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ event_id: given.event_id, reward: given.reward }),
    });
    if (!response.ok) throw new Error(await response.text());
    say(await response.json());
  },
};

await calls[given.call]();
