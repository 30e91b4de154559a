/** @file Hostile input beside ordinary load: how long `/health` waits, for each kind of input. */
import { setTimeout as pause } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import sharp from "sharp";
import { type LoadPlan, type LoadResult, runLoad } from "./load.ts";

/** What one kind of hostile input did. */
export interface HostileRow {
  kind: string;
  /** Requests sent, and their statuses. */
  statuses: Record<string, number>;
  /** Milliseconds that `/health` took, from a connection that stays open. */
  health: { count: number; p50: number; p99: number; worst: number };
}

/** Hostile clients at once. */
const CLIENTS = 3;

/** Bodies by kind, ready to be sent. */
async function hostileBodies(): Promise<Map<string, string>> {
  const chat = (content: unknown, more: object = {}) =>
    JSON.stringify({ messages: [{ role: "user", content }], max_tokens: 8, ...more });
  const schema = (value: object) => ({
    max_tokens: 200,
    response_format: { type: "json_schema", json_schema: { name: "x", schema: value } },
  });
  const noise = Buffer.alloc(8000 * 6000 * 3);
  for (let at = 0; at < noise.length; at += 97) noise[at] = at % 251;
  const photo = await sharp(noise, { raw: { width: 8000, height: 6000, channels: 3 } })
    .jpeg({ quality: 60 })
    .toBuffer();
  const picture = { type: "image_url", image_url: { url: `data:image/jpeg;base64,${photo.toString("base64")}` } };
  const properties = Object.fromEntries(Array.from({ length: 1500 }, (_, at) => [`k${at}`, { type: "boolean" }]));
  const patterns = Array.from({ length: 40 }, (_, at) => ({ type: "string", pattern: `.{0,${50 + at}}x` }));
  let deep: object = { type: "null" };
  for (let level = 0; level < 3000; level += 1) deep = { type: "array", items: deep };
  return new Map([
    ["1 MB of 字 as one word", chat("字".repeat(350_000))],
    ["5 MB of English", chat("the quick brown fox ".repeat(250_000))],
    ["5 MB of one letter", chat("x".repeat(5_000_000))],
    ["a JPEG of 48 megapixels", chat([picture, { type: "text", text: "?" }])],
    ["30 MB of numbers", `{"messages":[${"0,".repeat(15_000_000)}0]}`],
    ["30 MB of brackets", `{"messages":${"[".repeat(30_000_000)}`],
    ["30 MB that are no picture", chat([{ type: "image_url", image_url: { url: `data:;base64,${"A".repeat(3e7)}` } }])],
    ["a schema of 1500 properties", chat("?", schema({ type: "object", properties }))],
    [
      "a schema of 40 patterns at once",
      chat("?", schema({ type: "object", properties: { a: { anyOf: patterns } }, required: ["a"] })),
    ],
    ["a schema 3000 deep", chat("?", schema(deep))],
  ]);
}

/** Asks for /health from a thread of its own, every few milliseconds, and sends how long each answer took. */
const PROBE = `
  const { parentPort, workerData } = require("node:worker_threads");
  const { Agent, get } = require("node:http");
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const next = () => {
    const begun = performance.now();
    get(workerData + "/health", { agent }, (response) => {
      response.resume().on("end", () => { parentPort.postMessage(performance.now() - begun); setTimeout(next, 5); });
    }).on("error", () => setTimeout(next, 5));
  };
  next();`;

/**
 * Sends each kind of hostile input for `seconds`, beside the ordinary load of a plan.
 *
 * @example const { rows, result } = await hostileLoad({ url, clients: 4, seconds: 10, bodies });
 */
export async function hostileLoad(
  plan: LoadPlan & { seconds: number },
): Promise<{ rows: HostileRow[]; result: LoadResult }> {
  const kinds = [["ordinary load alone", ""], ...(await hostileBodies())] as const;
  const probe = new Worker(PROBE, { eval: true, workerData: plan.url });
  let times: number[] = [];
  probe.on("message", (ms: number) => times.push(ms));
  const load = runLoad({ ...plan, seconds: plan.seconds * kinds.length });
  const rows: HostileRow[] = [];
  for (const [kind, body] of kinds) {
    const statuses: Record<string, number> = {};
    times = [];
    const until = performance.now() + plan.seconds * 1000;
    const attack = async () => {
      while (performance.now() < until) {
        const response = await fetch(`${plan.url}/v1/chat/completions`, {
          method: "POST",
          headers: { "content-type": "application/json", ...(plan.key && { authorization: `Bearer ${plan.key}` }) },
          body,
        }).catch(() => undefined);
        await response?.text().catch(() => {});
        const status = String(response?.status ?? "no answer");
        statuses[status] = (statuses[status] ?? 0) + 1;
        if (status === "429") await pause(200);
      }
    };
    await Promise.all(body === "" ? [pause(plan.seconds * 1000)] : Array.from({ length: CLIENTS }, attack));
    rows.push({ kind, statuses, health: spread(times) });
  }
  const result = await load;
  await probe.terminate();
  return { rows, result };
}

function spread(times: readonly number[]): HostileRow["health"] {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
  return { count: sorted.length, p50: at(0.5), p99: at(0.99), worst: sorted.at(-1) ?? Number.NaN };
}

/** Rows as text, one line each. */
export function hostileText(rows: readonly HostileRow[]): string {
  const ms = (value: number) => value.toFixed(1).padStart(7);
  const lines = rows.map(({ kind, statuses, health }) => {
    const told = Object.entries(statuses).map(([status, count]) => `${count} × ${status}`);
    return `${kind.padEnd(34)}${ms(health.p50)}${ms(health.p99)}${ms(health.worst)}  ${told.join(", ")}`;
  });
  return [`${"/health in ms".padEnd(34)}    p50    p99  worst`, ...lines].join("\n");
}
