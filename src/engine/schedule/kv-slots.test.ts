/** @file Slots are given out so that beginnings are shared and nobody is disturbed. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { commonPrefix, KvSlots } from "./kv-slots.ts";

const row = (ids: number[], ...images: string[]) => ({ ids, images });

describe("commonPrefix", () => {
  it("ends where ids differ, or where pictures do", () => {
    expect(commonPrefix(row([1, 2, 3]), row([1, 2, 4]))).toBe(2);
    expect(commonPrefix(row([1, -200, -201, 5], "a"), row([1, -200, -201, 5], "a"))).toBe(4);
    expect(commonPrefix(row([1, -200, -201, 5], "a"), row([1, -200, -201, 5], "b"))).toBe(1);
    expect(commonPrefix(row([-200, -200], "a", "b"), row([-200, -200], "a", "c"))).toBe(1);
  });
});

describe("KvSlots", () => {
  it("continues a conversation where it is, and copies a shared beginning elsewhere", () => {
    const slots = new KvSlots(2);
    const first = slots.take(row([1, 2, 3]));
    expect(first).toMatchObject({ cached: 0, from: undefined, slot: { index: 0 } });
    slots.assign(first.slot, row([1, 2, 3, 4]));
    slots.release(first.slot);
    expect(slots.take(row([1, 2, 3, 4, 5]))).toMatchObject({ cached: 4, from: undefined, slot: { index: 0 } });
    const other = slots.take(row([1, 2, 9]));
    expect(other).toMatchObject({ cached: 2, from: { index: 0 }, slot: { index: 1 } });
    expect(slots.full).toBe(true);
    expect(() => slots.take(row([1]))).toThrow(/busy/);
  });

  it("always computes the last token anew", () => {
    const slots = new KvSlots(1);
    const { slot } = slots.take(row([1, 2, 3]));
    slots.assign(slot, row([1, 2, 3]));
    slots.release(slot);
    expect(slots.take(row([1, 2, 3]))).toMatchObject({ cached: 2, slot: { ids: [1, 2] } });
  });

  it("never gives a busy slot away, nor claims tokens that the source does not hold", () => {
    const sequence = fc.array(fc.integer({ min: 0, max: 1 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(fc.array(fc.tuple(sequence, fc.boolean()), { maxLength: 30 }), (steps) => {
        const slots = new KvSlots(3);
        const busy: number[] = [];
        for (const [ids, releaseFirst] of steps) {
          if (busy.length > 0 && (releaseFirst || slots.full)) slots.release(slots.all[busy.shift()!]!);
          const before = slots.all.map((slot) => [...slot.ids]);
          const { slot, cached, from } = slots.take(row(ids));
          expect(busy).not.toContain(slot.index);
          busy.push(slot.index);
          expect(cached).toBeLessThan(ids.length);
          const source = before[(from ?? slot).index] ?? [];
          expect(source.slice(0, cached)).toEqual(ids.slice(0, cached));
          expect(slot.ids).toEqual(ids.slice(0, cached));
          slots.assign(slot, row(ids));
        }
      }),
    );
  });
});
