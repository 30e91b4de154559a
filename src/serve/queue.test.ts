// Admission under random arrivals, departures and releases: never too many, first come first served, nothing lost.
import fc from "fast-check";
import { expect, test } from "vitest";
import { ApiError } from "./errors.ts";
import { AdmissionQueue, type Slot } from "./queue.ts";

test("whatever happens, slots and line stay within bounds, and order is kept", async () => {
  const steps = fc.array(fc.constantFrom("arrive", "leave", "release", "release twice"), { maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 0, max: 4 }),
      steps,
      async (slots, maxWaiting, actions) => {
        const queue = new AdmissionQueue(slots, maxWaiting);
        const held: Slot[] = [];
        const line: { id: number; controller: AbortController }[] = [];
        const admitted: number[] = [];
        let next = 0;
        for (const action of actions) {
          if (action === "arrive") {
            const id = next++;
            const controller = new AbortController();
            const full = held.length === slots && line.length === maxWaiting;
            try {
              queue.acquire(controller.signal).then(
                (slot) => {
                  admitted.push(id);
                  held.push(slot);
                  line.splice(
                    line.findIndex((waiter) => waiter.id === id),
                    1,
                  );
                },
                () => {},
              );
              expect(full).toBe(false);
              line.push({ id, controller });
            } catch (error) {
              expect([full, error instanceof ApiError && error.status]).toEqual([true, 429]);
            }
          } else if (action === "leave") line.shift()?.controller.abort(new Error("left"));
          else {
            const slot = held.shift();
            slot?.release();
            if (action === "release twice") slot?.release();
          }
          await new Promise((resolve) => setImmediate(resolve));
          expect([queue.running, queue.waiting]).toEqual([held.length, line.length]);
          expect(queue.running).toBeLessThanOrEqual(slots);
          // Nobody waits while a slot is free.
          if (queue.waiting > 0) expect(queue.running).toBe(slots);
        }
        expect(admitted).toEqual(admitted.toSorted((a, b) => a - b));
      },
    ),
    { numRuns: 60 },
  );
});

test("idle is told when the last request has gone, running or waiting", async () => {
  const queue = new AdmissionQueue(1, 1);
  await queue.whenIdle();
  const slot = await queue.acquire(new AbortController().signal);
  const waiting = queue.acquire(new AbortController().signal);
  let idle = false;
  const told = queue.whenIdle().then(() => {
    idle = true;
  });
  slot.release();
  (await waiting).release();
  await told;
  expect(idle).toBe(true);
});

test("a request that is over before it begins is not admitted", () => {
  const reason = new Error("gone");
  expect(() => new AdmissionQueue(1, 1).acquire(AbortSignal.abort(reason))).toThrow(reason);
});
