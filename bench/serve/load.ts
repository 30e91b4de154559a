/** @file Keeps a server under load for a while and collects what came of it. */
import { setTimeout as pause } from "node:timers/promises";
import { fire, type Sample } from "./client.ts";

/** How to load a server. */
export interface LoadPlan {
  url: string;
  key?: string;
  /** Requests under way at once at most. */
  clients: number;
  /** Requests per second, arriving at random (Poisson); without it every client sends its next request at once. */
  rate?: number;
  /** How long; without it until `requests` have been sent. */
  seconds?: number;
  /** The most requests to send. */
  requests?: number;
  /** Share of requests that leave after a few tokens, 0 to 1. */
  cancel?: number;
  /** Bodies of requests, taken in turn. */
  bodies: object[];
  /** Seed of arrivals and cancellations. */
  seed?: number;
}

/** The server's state at a moment, from its metrics. */
export interface Gauge {
  /** Milliseconds from the beginning. */
  at: number;
  residentBytes: number;
  running: number;
  waiting: number;
  /** Answers being written by the engine. */
  engineRunning: number;
  /** Bytes of request bodies in memory. */
  bodyBytes: number;
}

/** Everything a load brought. */
export interface LoadResult {
  seconds: number;
  samples: Sample[];
  gauges: Gauge[];
}

/** How often the server's metrics are read. */
const GAUGE_MS = 1000;

/**
 * Loads a server. Throws an Error when it is not ready.
 *
 * @example const result = await runLoad({ url, clients: 8, seconds: 30, bodies });
 */
export async function runLoad(plan: LoadPlan): Promise<LoadResult> {
  const { url, clients, rate, cancel = 0, bodies, seed = 1 } = plan;
  const { seconds = Number.POSITIVE_INFINITY, requests = Number.POSITIVE_INFINITY } = plan;
  const ready = await fetch(`${url}/ready`).catch((cause) => {
    throw new Error(`No server answers at ${url}. Start one with: flashvl serve`, { cause });
  });
  if (!ready.ok) throw new Error(`The server at ${url} is not ready: status ${ready.status}.`);
  const random = generator(seed);
  const begun = performance.now();
  const now = () => performance.now() - begun;
  const samples: Sample[] = [];
  const gauges: Gauge[] = [];
  let sent = 0;
  let nextArrival = 0;

  const client = async () => {
    while (now() < seconds * 1000 && sent < requests) {
      if (rate !== undefined) {
        const arrival = nextArrival;
        nextArrival += (-Math.log(1 - random()) / rate) * 1000;
        if (arrival > now()) await pause(arrival - now());
        if (now() >= seconds * 1000) return;
      }
      const cancelAfter = random() < cancel ? 1 + Math.floor(random() * 8) : undefined;
      const sample = await fire({ url, key: plan.key, body: bodies[sent++ % bodies.length]!, cancelAfter }, now());
      samples.push(sample);
      // A server that refuses says when to come back; coming back at once would measure refusals.
      if (sample.outcome === "429") await pause(200 + random() * 300);
    }
  };
  let loading = true;
  const watch = async () => {
    while (loading) {
      const gauge = await readGauge(url, plan.key, now());
      if (gauge) gauges.push(gauge);
      await pause(GAUGE_MS);
    }
  };
  const watching = watch();
  await Promise.all(Array.from({ length: clients }, client));
  const took = now() / 1000;
  loading = false;
  await watching;
  const last = await readGauge(url, plan.key, now());
  if (last) gauges.push(last);
  return { seconds: took, samples, gauges };
}

/** The server's state now; undefined when its metrics cannot be read. */
export async function readGauge(url: string, key: string | undefined, at: number): Promise<Gauge | undefined> {
  const response = await fetch(`${url}/metrics`, { headers: key ? { authorization: `Bearer ${key}` } : {} }).catch(
    () => undefined,
  );
  if (!response?.ok) return undefined;
  const page = await response.text();
  const value = (name: string) =>
    Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)`, "m").exec(page)?.[1] ?? Number.NaN);
  return {
    at,
    residentBytes: value("process_resident_memory_bytes"),
    running: value("vllm:num_requests_running"),
    waiting: value("vllm:num_requests_waiting"),
    engineRunning: value("flashvl:engine_requests_running"),
    bodyBytes: value("flashvl:request_body_bytes"),
  };
}

/** A small seeded generator (mulberry32), so that two runs send the same load. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
