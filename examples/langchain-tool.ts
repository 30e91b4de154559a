/** @file flashvl as a tool of a LangChain agent, and as its chat model, by one server in this process: `npx tsx examples/langchain-tool.ts`. */
import { readFile } from "node:fs/promises";
import { HumanMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { ChatOpenAI } from "@langchain/openai";
import { FlashVL } from "flashvl";
import { startServer } from "flashvl/serve";
import { z } from "zod";

const board = new URL("board.png", import.meta.url).pathname;
const model = await FlashVL.fromPretrained();
const server = await startServer({ model, settings: { port: 0, logLevel: "silent" } });

// As a tool: any agent, with any model, can ask about pictures.
const askPicture = tool(
  ({ path, question }) => model.chat(path, [{ role: "user", content: question }], { maxNewTokens: 128 }),
  {
    name: "ask_picture",
    description: "Answers a question about a picture on this machine.",
    schema: z.object({ path: z.string(), question: z.string() }),
  },
);
console.log(await askPicture.invoke({ path: board, question: "What is in row 1, column 1?" }));

// As a chat model: LangChain's OpenAI client at flashvl's address.
const chat = new ChatOpenAI({
  model: "flashvl",
  apiKey: "none",
  configuration: { baseURL: `${server.url}/v1` },
});
const picture = `data:image/png;base64,${await readFile(board, "base64")}`;
const answer = await chat.invoke([
  new HumanMessage({
    content: [
      { type: "image_url", image_url: { url: picture } },
      { type: "text", text: "Which is the most expensive?" },
    ],
  }),
]);
console.log(answer.content);

await server.close();
await model.dispose();
