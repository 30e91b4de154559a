/** @file A thread that reads rows, signs texts and measures pixels, one job after the other. */

import { parentPort } from "node:worker_threads";
import { needPackage, type ThreadReply } from "../../common/node.ts";
import type { conversationSize, SampleContext } from "../../train/index.ts";
import { bandKeys, shinglesOf } from "../near/min-hash.ts";
import { type ComputedColumn, sourceOf } from "./columns.ts";
import { fingerprintOf } from "./fingerprint.ts";
import { HashTable } from "./hash-table.ts";
import { messagesOf, oddTurns, picturesOf, textOf } from "./read-row.ts";
import type { Job, JobResults, RowFacts, RowsJob, Signature, TextSignature } from "./row-job.ts";
import { runsOf } from "./words.ts";

/** Counts the tokens of conversations. */
type Count = (messages: Parameters<typeof conversationSize>[1]) => ReturnType<typeof conversationSize>;
const counters = new Map<string, Promise<Count>>();
const counterOf = (model: string): Promise<Count> => {
  // The whole room is loaded only where tokens are counted.
  const open = async (): Promise<Count> => {
    const { conversationSize: size, readSampleContext } = await import("../../train/index.ts");
    const context: SampleContext = await readSampleContext(model);
    return (messages) => size(context, messages);
  };
  const known = counters.get(model) ?? open();
  counters.set(model, known);
  return known;
};

let detecting: Promise<(text: string) => string> | undefined;
/** A short text says too little: its language would be a guess. */
const TELLING = 12;
async function languageOf(text: string): Promise<string> {
  needPackage("Telling languages", "tinyld");
  detecting ??= import("tinyld").then(({ detect }) => detect);
  const detect = await detecting;
  return text.length < TELLING && /^[\p{Script=Latin}\P{L}]*$/u.test(text) ? "" : detect(text.slice(0, 1000));
}

function signatureOf(text: string, { words, ...bands }: TextSignature): Signature {
  const shingles = shinglesOf(text, words);
  return { shingles, keys: bandKeys(shingles, bands) };
}

function foundIn(text: string, { words, table }: NonNullable<RowsJob["lookup"]>): number[] {
  const [runs, hashes] = [runsOf(text, words), new HashTable(table)];
  const found = new Set<number>();
  for (let i = 0; i < runs.length; i += 2) {
    const place = hashes.find(runs[i]!, runs[i + 1]!);
    if (place !== undefined) found.add(place);
  }
  return [...found];
}

async function factsOf(row: unknown, job: RowsJob, count: Count | undefined): Promise<RowFacts> {
  const values: Partial<Record<ComputedColumn, string | number>> = {};
  const wanted = new Set<ComputedColumn>(job.columns);
  let messages: ReturnType<typeof messagesOf>;
  try {
    messages = messagesOf(typeof row === "string" ? JSON.parse(row) : row, job);
  } catch (error) {
    return { values: { _fault: (error as Error).message }, pictures: [] };
  }
  const said = (role: string) =>
    messages
      .filter((turn) => turn.role === role)
      .map(textOf)
      .join("\n");
  const [question, answer] = [said("user"), said("assistant")];
  const pictures = picturesOf(messages);
  values._turns = messages.length;
  values._pictures = pictures.length;
  values._odd = oddTurns(messages);
  if (wanted.has("_question")) values._question = question;
  if (wanted.has("_answer")) values._answer = answer;
  if (wanted.has("_language")) values._language = await languageOf(`${question}\n${answer}`);
  if (count)
    try {
      const { tokens, pictureTokens, answerTokens } = await count(messages);
      Object.assign(values, { _tokens: tokens, _picture_tokens: pictureTokens, _answer_tokens: answerTokens });
    } catch (error) {
      values._fault = (error as Error).message;
    }
  return {
    values,
    pictures,
    signature: job.text && signatureOf(`${question}\n${answer}`, job.text),
    found: job.lookup && foundIn(question, job.lookup),
  };
}

async function work(job: Job): Promise<JobResults[Job["type"]]> {
  if (job.type === "pixels") return fingerprintOf(job.image);
  if (job.type === "texts") return job.texts.map((text) => (text === null ? null : signatureOf(text, job.text)));
  const counts = job.columns.some((name) => sourceOf(name) === "size");
  const count = counts && job.model !== undefined ? await counterOf(job.model) : undefined;
  const facts: RowFacts[] = [];
  for (const row of job.rows) facts.push(await factsOf(row, job, count));
  return facts;
}

parentPort!.on("message", async (job: Job) => {
  let reply: ThreadReply<JobResults[Job["type"]]>;
  try {
    reply = { result: await work(job) };
  } catch (error) {
    reply = { error: { message: (error as Error).message } };
  }
  parentPort!.postMessage(reply);
});
