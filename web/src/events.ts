/** @file Server-sent events of a response, however the network cuts them. */

/**
 * The data of each event, as it comes; the end mark `[DONE]`, comments and other fields are left out.
 *
 * @throws what reading throws: the signal's reason when a fetch is aborted
 * @example for await (const data of eventData(response.body!)) show(JSON.parse(data));
 */
export async function* eventData(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>).getReader();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      // A carriage return at the end may be half a line end.
      rest = (rest + value).replace(/\r\n|\r(?!$)/g, "\n");
      const blocks = rest.split("\n\n");
      rest = blocks.pop()!;
      for (const block of blocks) {
        const lines = block.split("\n").filter((line) => line.startsWith("data:"));
        const data = lines.map((line) => line.slice(5).replace(/^ /, "")).join("\n");
        if (data !== "" && data !== "[DONE]") yield data;
      }
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}
