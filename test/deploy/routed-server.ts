/** @file A server whose fake model keeps the pictures it has seen; run as a program it is one that a test can kill. */
import type { RgbImage } from "../../src/processor/index.ts";
import { type RunningServer, startServer } from "../../src/serve/index.ts";
import { createLog } from "../../src/serve/log.ts";
import { FakeModel } from "../serve/fake-model.ts";

/** Starts a server on a Unix socket. It answers with its name, and `hit` or `miss` for whether it knew the picture. */
export function routedServer(name: string, socket: string): Promise<RunningServer> {
  const seen = new Set<string>();
  const script: NonNullable<ConstructorParameters<typeof FakeModel>[0]>["script"] = (messages) => {
    const parts = messages.flatMap(({ content }) => (typeof content === "string" ? [] : content));
    const picture = parts.find(({ type }) => type === "image");
    if (picture?.type !== "image") return `${name} none`;
    const pixels = Buffer.from((picture.image as RgbImage).data).toString("hex");
    const known = seen.has(pixels);
    seen.add(pixels);
    return `${name} ${known ? "hit" : "miss"}`;
  };
  const model = new FakeModel({ script });
  return startServer({
    model,
    log: createLog("silent"),
    settings: { socket, modelName: ["flashvl"], drainTimeout: 60 },
  });
}

const [, program, name, socket] = process.argv;
if (program === import.meta.filename) {
  await routedServer(name!, socket!);
  // Whoever started it has died.
  process.stdin.resume().once("end", () => process.exit());
  process.stdout.write("ready\n");
}
