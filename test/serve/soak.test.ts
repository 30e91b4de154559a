// Under saturation with clients that leave at random: only wanted errors, flat memory, every slot free at the end.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { pictureBodies } from "../../bench/serve/bodies.ts";
import { runLoad } from "../../bench/serve/load.ts";
import { plotLoad } from "../../bench/serve/plot.ts";
import { percentiles, summarise, summaryText } from "../../bench/serve/summary.ts";
import { FlashVL } from "../../src/engine/index.ts";
import { startServer } from "../../src/serve/index.ts";
import { createLog } from "../../src/serve/log.ts";

const tiny = fileURLToPath(new URL("../golden/static-tiny", import.meta.url));
/** Seconds of load: a taste by default, half an hour where long checks are asked for. */
const SECONDS = process.env.FLASHVL_LONG ? Number(process.env.FLASHVL_SOAK_SECONDS ?? 1800) : 2;
/** Memory may still grow this much after the first third: allocators keep some, a leak of every request would pass it. */
const GROWTH_MIB = 64;

test(
  "a saturated server answers, refuses only by 429, and is empty afterwards",
  async () => {
    const cacheDir = mkdtempSync(join(tmpdir(), "flashvl-soak-"));
    const model = await FlashVL.fromPretrained(tiny, { cacheDir });
    const server = await startServer({
      model,
      log: createLog("silent"),
      settings: { port: 0, parallel: 4, maxQueue: 4, drainTimeout: 1 },
    });
    try {
      const result = await runLoad({
        url: server.url,
        clients: 12,
        seconds: SECONDS,
        cancel: 0.3,
        bodies: pictureBodies(join(tiny, "images"), 24),
      });
      const summary = summarise(result);
      if (process.env.FLASHVL_LONG) console.log(summaryText(summary));
      expect(Object.keys(summary.outcomes).filter((outcome) => !["ok", "cancelled", "429"].includes(outcome))).toEqual(
        [],
      );
      expect(summary.outcomes.ok).toBeGreaterThan(0);
      await expect
        .poll(() => [
          server.context.queue.running,
          server.context.queue.waiting,
          server.context.bodies.held,
          model.stats().running,
        ])
        .toEqual([0, 0, 0, 0]);
      if (process.env.FLASHVL_LONG) {
        const memory = result.gauges.map(({ residentBytes }) => residentBytes / 2 ** 20);
        const warm = memory.slice(Math.floor(memory.length / 3));
        const tail = warm.slice(Math.floor(warm.length / 2));
        expect(percentiles(tail)!.p50 - percentiles(warm.slice(0, tail.length))!.p50).toBeLessThan(GROWTH_MIB);
      } else expect(await plotLoad(result, "soak")).toMatch(/^<svg/);
    } finally {
      await server.close();
      await model.dispose();
      rmSync(cacheDir, { recursive: true, force: true });
    }
  },
  (SECONDS + 120) * 1000,
);
