// Takes each of many locks that a dead process left, and prints how often somebody else was inside: for the test of races.
import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import { acquireLock, LockedError } from "../../src/common/node.ts";

const [folder, rounds] = process.argv.slice(2);
let taken = 0;
let met = 0;
process.send?.("ready");
process.once("message", async () => {
  for (let round = 0; round < Number(rounds); round++) {
    try {
      const lock = await acquireLock(join(folder!, `${round}.lock`), { what: "racing", wait: false });
      taken++;
      const inside = join(folder!, `${round}.inside`);
      const marker = await open(inside, "wx").catch(() => undefined);
      if (!marker) met++;
      await marker?.close();
      if (marker) await rm(inside);
      await lock.release();
    } catch (error) {
      if (!(error instanceof LockedError)) throw error;
    }
  }
  process.send?.({ taken, met }, () => process.disconnect());
});
