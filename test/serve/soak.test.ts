// Under saturation with clients that leave at random: only wanted errors, flat memory, every slot free at the end.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { mixedBodies } from "../../bench/serve/bodies.ts";
import { runLoad } from "../../bench/serve/load.ts";
import { startOwnServer } from "../../bench/serve/own-server.ts";
import { plotLoad } from "../../bench/serve/plot.ts";
import { soak } from "../../bench/serve/soak.ts";
import { summarise, summaryText } from "../../bench/serve/summary.ts";
import { FlashVL } from "../../src/node/index.ts";
import { startServer } from "../../src/serve/index.ts";
import { createLog } from "../../src/serve/log.ts";
import { FakeModel } from "./fake-model.ts";
import { start } from "./start.ts";

const tiny = fileURLToPath(new URL("../golden/static-tiny", import.meta.url));
const pictures = join(tiny, "images");
/** Seconds of the long soak. */
const SECONDS = Number(process.env.FLASHVL_SOAK_SECONDS ?? 1800);
const PATIENCE_MS = 300_000;

test(
  "a saturated server answers, refuses only by 429, and is empty afterwards",
  async () => {
    const cacheDir = mkdtempSync(join(tmpdir(), "flashvl-soak-"));
    const model = await FlashVL.fromPretrained(tiny, { cacheDir });
    const server = await startServer({
      model,
      log: createLog("silent"),
      settings: { port: 0, parallel: 2, maxQueue: 2, drainTimeout: 1 },
    });
    try {
      const bodies = (await mixedBodies(pictures, 24, 24)).filter((body) => !("response_format" in body));
      const report = await soak({ url: server.url, clients: 12, requests: 120, cancel: 0.3, bodies });
      expect(report.faults).toEqual([]);
      expect([server.context.queue.running, server.context.bodies.held, model.stats().running]).toEqual([0, 0, 0]);
      expect(await plotLoad(report.result, "soak")).toMatch(/^<svg/);
    } finally {
      await server.close();
      await model.dispose();
      rmSync(cacheDir, { recursive: true, force: true });
    }
  },
  PATIENCE_MS,
);

test("a load at a rate comes at that rate: neither all at once nor at the pace of the answers", async () => {
  const { url } = await start({ model: new FakeModel({ script: () => "ok" }) });
  const [rate, requests] = [50, 50];
  const bodies = [{ messages: [{ role: "user", content: "Hi" }] }];
  const { samples } = await runLoad({ url, rate, requests, clients: 8, bodies });
  expect(new Set(samples.map(({ outcome }) => outcome))).toEqual(new Set(["ok"]));
  // All are sent, however long a busy machine takes; eight clients that ask again at once would send them in no time.
  expect(samples.length).toBeGreaterThanOrEqual(requests);
  for (const until of [0.1, 0.25, 0.5, 0.75, 1]) {
    const due = rate * until;
    const sent = samples.filter(({ at }) => at < until * 1000).length;
    // Arrivals at random: their number by a time scatters by its root.
    expect(sent, `requests in the first ${until} s`).toBeLessThan(due + 4 * Math.sqrt(due));
  }
});

test.skipIf(!process.env.FLASHVL_LONG)(
  "half an hour of it leaves memory flat",
  async () => {
    const { url, stop } = await startOwnServer(["--parallel", "4", "--max-queue", "4"]);
    try {
      const bodies = await mixedBodies(pictures, 32, 300);
      const { result, faults } = await soak({ url, clients: 12, seconds: SECONDS, cancel: 0.3, bodies });
      console.log(summaryText(summarise(result)));
      expect(faults).toEqual([]);
    } finally {
      expect(await stop()).toBe(0);
    }
  },
  SECONDS * 1000 + PATIENCE_MS,
);
