/** @file Physical cores are counted once each, however many threads they have. */
import { expect, it } from "vitest";
import { coresIn, physicalCores } from "./physical-cores.ts";

const processor = (place: number, core: number) =>
  `processor\t: 7\nphysical id\t: ${place}\nsiblings\t: 4\ncore id\t\t: ${core}\ncpu cores\t: 2\n`;

it("counts pairs of socket and core", () => {
  expect(coresIn([processor(0, 0), processor(0, 1)].join("\n"))).toBe(2);
  expect(coresIn([processor(0, 0), processor(0, 1), processor(0, 0), processor(0, 1)].join("\n"))).toBe(2);
  expect(coresIn([processor(0, 0), processor(1, 0)].join("\n"))).toBe(2);
});

it("knows nothing where nothing is said", () => {
  expect(coresIn("processor\t: 0\nBogoMIPS\t: 50.00\n")).toBeUndefined();
  const found = physicalCores();
  if (found !== undefined) expect(found).toBeGreaterThan(0);
});
