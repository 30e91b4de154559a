/** @file OpenAI's agents package asks a server and prints what it got as JSON; a program of its own, as its packages lie here. */
import { Agent, OpenAIChatCompletionsModel, OpenAIResponsesModel, run, setTracingDisabled, tool } from "@openai/agents";
import OpenAI from "openai";
import { z } from "zod";

const [baseURL, apiKey] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
setTracingDisabled(true);
const weather = tool({
  name: "weather",
  description: "The weather of a city.",
  parameters: z.object({ city: z.string() }),
  execute: async ({ city }) => `rain in ${city}`,
});

/** An agent's last words, after it has called the tool; streamed, the text as it came. */
async function ask(Model, stream) {
  const agent = new Agent({ name: "a", instructions: "Be brief.", model: new Model(client, "tiny"), tools: [weather] });
  if (!stream) return (await run(agent, "Oslo?")).finalOutput;
  const result = await run(agent, "Oslo?", { stream: true });
  let text = "";
  for await (const piece of result.toTextStream()) text += piece;
  await result.completed;
  return text;
}

const report = {
  chat: await ask(OpenAIChatCompletionsModel, false),
  chatStream: await ask(OpenAIChatCompletionsModel, true),
  responses: await ask(OpenAIResponsesModel, false),
};
console.log(JSON.stringify(report));
