/** @file A thread that decodes, hashes and resizes one picture after the other. */
import { parentPort } from "node:worker_threads";
import type { ThreadReply } from "../../common/node.ts";
import { InputError } from "../input-error.ts";
import { makePixels } from "../make-pixels.ts";
import { loadDecoder, openEncoded } from "./decode-image.ts";
import { hashImage } from "./hash-image.ts";
import type { PictureJob, PictureResults } from "./picture-jobs.ts";

type PictureReply = ThreadReply<PictureResults[keyof PictureResults]>;

// A thread that cannot load it ends, and the next one tries again.
await loadDecoder();

parentPort!.on("message", async (job: PictureJob) => {
  try {
    const result = await work(job);
    const reply: PictureReply = { result };
    parentPort!.postMessage(reply, result instanceof Float32Array ? [result.buffer] : []);
  } catch (error) {
    const { message } = error instanceof Error ? error : new Error(String(error));
    const reply: PictureReply = { error: { message, code: error instanceof InputError ? error.code : undefined } };
    parentPort!.postMessage(reply);
  }
});

async function work(job: PictureJob): Promise<PictureResults[keyof PictureResults]> {
  if (job.type === "hash") return hashImage(job.image);
  if (job.type === "pixels") return makePixels(job.image, job.plan, job.preprocessor) as Float32Array<ArrayBuffer>;
  const image = await (await openEncoded(job.bytes, job.options)).load();
  const data = new Uint8Array(new SharedArrayBuffer(image.data.length));
  data.set(image.data);
  return { data, width: image.width, height: image.height };
}
