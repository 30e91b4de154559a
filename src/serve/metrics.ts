/** @file Prometheus metrics under the names and meanings that Kubernetes inference gateways read (those of vLLM). */
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { FinishReason, Usage } from "../engine/index.ts";
import type { EngineStats } from "./chat-model.ts";
import type { AdmissionQueue } from "./queue.ts";

/** What the metrics read at the moment somebody asks for them. */
export interface MetricSources {
  modelName: string;
  queue: AdmissionQueue;
  /** Bytes of request bodies in memory. */
  bodyBytes(): number;
  stats(): EngineStats | undefined;
}

const QUEUE_BUCKETS = [0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160];
const FIRST_TOKEN_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80];
const TOKEN_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 2.5];
/** Tokens of a block where gateways count the cache in blocks. It is reused by the token here; this is the size that vLLM has by default. */
const BLOCK_TOKENS = 16;
const REQUEST_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320];

/**
 * Counters and histograms of one server. Times and tokens are counted as they happen, so an answer that is long under way,
 * or whose client leaves, is in them.
 *
 * The names are those of vLLM's metrics page (docs.vllm.ai, "Production Metrics"), which the Gateway API Inference
 * Extension reads by default; what vLLM does not have is named `flashvl:`.
 *
 * @example metrics.firstToken(0.4); metrics.nextToken(0.03); metrics.answered("stop", 2.1, usage);
 */
export class ServerMetrics {
  readonly #registry = new Registry();
  readonly #labels: { model_name: string };
  readonly #queueTime;
  readonly #firstToken;
  readonly #interToken;
  readonly #endToEnd;
  readonly #promptTokens;
  readonly #prefixQueries;
  readonly #prefixHits;
  readonly #generatedTokens;
  readonly #finished;
  readonly #responses;

  constructor(sources: MetricSources) {
    this.#labels = { model_name: sources.modelName };
    this.#registry.setDefaultLabels(this.#labels);
    const registers = [this.#registry];
    const histogram = (name: string, help: string, buckets: number[]) =>
      new Histogram({ name, help, buckets, registers });
    const counter = (name: string, help: string) => new Counter({ name, help, registers });
    const gauge = (name: string, help: string, read: () => number) =>
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(read());
        },
      });
    gauge("vllm:num_requests_running", "Requests that hold a slot.", () => sources.queue.running);
    gauge("vllm:num_requests_waiting", "Requests that wait for a slot.", () => sources.queue.waiting);
    gauge("vllm:kv_cache_usage_perc", "Share of the KV cache in use, 0 to 1.", () => sources.stats()?.kvUsage ?? 0);
    new Gauge({
      name: "vllm:cache_config_info",
      help: "Size of the KV cache, in its labels.",
      labelNames: ["block_size", "num_gpu_blocks"],
      registers,
      collect() {
        const tokens = sources.stats()?.kvTokens;
        // While the model loads nobody knows, and a gateway takes its own configuration.
        if (tokens === undefined) return;
        this.set({ block_size: BLOCK_TOKENS, num_gpu_blocks: Math.floor(tokens / BLOCK_TOKENS) }, 1);
      },
    });
    gauge(
      "flashvl:engine_requests_running",
      "Answers being written by the engine.",
      () => sources.stats()?.running ?? 0,
    );
    gauge("flashvl:request_body_bytes", "Bytes of request bodies held in memory.", sources.bodyBytes);
    gauge("process_resident_memory_bytes", "Resident memory of the process.", () => process.memoryUsage.rss());
    for (const [name, help, key] of CACHE_COUNTERS) {
      // The engine keeps these running totals itself, so they are copied, not added up.
      new Counter({
        name,
        help,
        registers,
        collect() {
          this.reset();
          this.inc(sources.stats()?.[key] ?? 0);
        },
      });
    }
    this.#queueTime = histogram(
      "vllm:request_queue_time_seconds",
      "From asking for a slot to having it.",
      QUEUE_BUCKETS,
    );
    this.#firstToken = histogram(
      "vllm:time_to_first_token_seconds",
      "From arrival to the first token.",
      FIRST_TOKEN_BUCKETS,
    );
    this.#interToken = histogram("vllm:inter_token_latency_seconds", "Between two tokens of an answer.", TOKEN_BUCKETS);
    this.#endToEnd = histogram("vllm:e2e_request_latency_seconds", "From arrival to the last token.", REQUEST_BUCKETS);
    this.#promptTokens = counter("vllm:prompt_tokens_total", "Prompt tokens read.");
    this.#prefixQueries = counter("vllm:prefix_cache_queries_total", "Prompt tokens looked up in the prefix cache.");
    this.#prefixHits = counter("vllm:prefix_cache_hits_total", "Prompt tokens found in the prefix cache.");
    this.#generatedTokens = counter("vllm:generation_tokens_total", "Tokens generated.");
    this.#finished = new Counter({
      name: "vllm:request_success_total",
      help: "Finished answers by reason.",
      labelNames: ["finished_reason"],
      registers,
    });
    this.#responses = new Counter({
      name: "flashvl:http_responses_total",
      help: "HTTP answers by route and status.",
      labelNames: ["route", "status"],
      registers,
    });
  }

  /** Records how long a request waited for its slot. */
  queued(seconds: number): void {
    this.#queueTime.observe(seconds);
  }

  /** Records an answer's first token and the seconds from the request's arrival to it. */
  firstToken(seconds: number): void {
    this.#firstToken.observe(seconds);
    this.#generatedTokens.inc();
  }

  /** Records a further token and the seconds since the one before. */
  nextToken(seconds: number): void {
    this.#interToken.observe(seconds);
    this.#generatedTokens.inc();
  }

  /**
   * Records the end of an answer, `total` seconds after the request's arrival. Latency is that of whole answers, as in
   * vLLM: others are counted by their reason only.
   */
  answered(reason: FinishReason | "error", total: number, usage?: Usage, tokensRecorded = 0): void {
    this.#finished.inc({ finished_reason: reason });
    if (reason === "stop" || reason === "length") this.#endToEnd.observe(total);
    if (!usage) return;
    this.#promptTokens.inc(usage.promptTokens);
    this.#prefixQueries.inc(usage.promptTokens);
    this.#prefixHits.inc(usage.cachedTokens);
    // The token that ends an answer has no part of its own.
    this.#generatedTokens.inc(Math.max(0, usage.completionTokens - tokensRecorded));
  }

  /** Records an HTTP answer. */
  responded(route: string, status: number): void {
    this.#responses.inc({ route, status: String(status) });
  }

  /** The page that Prometheus scrapes. */
  page(): Promise<string> {
    return this.#registry.metrics();
  }

  get contentType(): string {
    return this.#registry.contentType;
  }
}

const CACHE_COUNTERS = [
  ["vllm:mm_cache_queries_total", "Pictures looked up in the picture cache.", "imageQueries"],
  ["vllm:mm_cache_hits_total", "Pictures found in the picture cache.", "imageHits"],
] as const;
