/** @file A route of one's own in a Hono app, streaming: `npx tsx examples/hono-route.ts`, then `curl -N -F picture=@examples/board.png -F question="What is in row 1, column 1?" localhost:3000/ask`. */
import { serve } from "@hono/node-server";
import { FlashVL } from "flashvl";
import { Hono } from "hono";
import { streamText } from "hono/streaming";

const model = await FlashVL.fromPretrained(undefined, { maxBatch: 4, maxQueue: 32 });

export const app = new Hono();
app.post("/ask", async (c) => {
  const { picture, question } = await c.req.parseBody();
  if (!(picture instanceof File) || typeof question !== "string")
    return c.json({ error: "Expected the form fields picture (a file) and question (a text)." }, 400);
  return streamText(c, async (stream) => {
    const abort = new AbortController();
    stream.onAbort(() => abort.abort()); // a client that leaves frees its place in the batch
    const bytes = new Uint8Array(await picture.arrayBuffer());
    for await (const part of model.stream(bytes, [{ role: "user", content: question }], { signal: abort.signal }))
      await stream.write(part.text);
  });
});

const server = serve({ fetch: app.fetch, port: Number(process.env.PORT ?? 3000) }, ({ port }) =>
  console.log(`http://127.0.0.1:${port}/ask`),
);
process.once("SIGTERM", () => {
  server.close();
  void model.dispose();
});
