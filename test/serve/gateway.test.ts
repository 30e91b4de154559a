// What the Gateway API inference extension asks of a model server (its "Model Server Protocol"): routes, gauges and their meaning.
import { describe, expect, test } from "vitest";
import { FakeModel } from "./fake-model.ts";
import { gate, post, start, until } from "./start.ts";

/** A model that knows of its cache: `tokens` at most, `usage` of them held. */
function cached(options: ConstructorParameters<typeof FakeModel>[0], tokens: number, usage: number): FakeModel {
  const stats = () => ({ running: 0, kvUsage: usage, kvTokens: tokens, imageQueries: 0, imageHits: 0 });
  return Object.assign(new FakeModel(options), { stats });
}

/** Values of a metric on the page, by its labels without the model's name. */
function read(page: string, name: string): Record<string, number> {
  const lines = page.split("\n").filter((line) => line.startsWith(`${name}{`));
  return Object.fromEntries(
    lines.map((line) => {
      const [, labels, value] = /^[^{]+\{(.*)\} (\S+)$/.exec(line)!;
      return [labels!.replace(/,?model_name="[^"]*"/, ""), Number(value)];
    }),
  );
}

describe("for an endpoint picker", () => {
  test("queue, slots, cache and its size in blocks stand in gauges", async () => {
    const { wait, open } = gate();
    const model = cached({ beforeToken: () => wait }, 4096, 0.25);
    const server = await start({ model, settings: { parallel: 2 } });
    const asked = Array.from({ length: 5 }, () =>
      post(server, "/v1/completions", { model: "flashvl", prompt: "Hello" }),
    );
    await until(() => expect([server.context.queue.running, server.context.queue.waiting]).toEqual([2, 3]));
    const page = await (await fetch(`${server.url}/metrics`)).text();
    open();
    expect(read(page, "vllm:num_requests_running")).toEqual({ "": 2 });
    expect(read(page, "vllm:num_requests_waiting")).toEqual({ "": 3 });
    expect(read(page, "vllm:kv_cache_usage_perc")).toEqual({ "": 0.25 });
    expect(read(page, "vllm:cache_config_info")).toEqual({ 'block_size="16",num_gpu_blocks="256"': 1 });
    for (const name of ["num_requests_running", "num_requests_waiting", "kv_cache_usage_perc", "cache_config_info"])
      expect(page).toContain(`# TYPE vllm:${name} gauge\n`);
    for (const answer of await Promise.all(asked)) {
      expect(answer.status).toBe(200);
      expect(await answer.json()).toMatchObject({ object: "text_completion", choices: [{ finish_reason: "stop" }] });
    }
  });

  test("nothing is said of a cache that is not known yet", async () => {
    const { wait, open } = gate();
    const model = cached({}, 4096, 0);
    const server = await start({ model: wait.then(() => model) });
    const page = async () => (await fetch(`${server.url}/metrics`)).text();
    expect(read(await page(), "vllm:cache_config_info")).toEqual({});
    open();
    await until(async () => expect((await fetch(`${server.url}/readyz`)).status).toBe(200));
    expect(Object.keys(read(await page(), "vllm:cache_config_info"))).toEqual(['block_size="16",num_gpu_blocks="256"']);
  });

  test("probes and, where it is allowed, metrics need no key", async () => {
    const server = await start({ settings: { apiKey: ["sesame"], publicMetrics: true } });
    const status = async (path: string) => (await fetch(server.url + path)).status;
    expect(await Promise.all(["/health", "/livez", "/readyz", "/metrics"].map(status))).toEqual([200, 200, 200, 200]);
    expect(await status("/v1/models")).toBe(401);
  });
});
