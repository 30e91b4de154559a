import { expect, it, onTestFinished } from "vitest";
import { tellKernels } from "./tell-kernels.ts";

const none = { kernels: undefined, version: "onnxruntime 1.30.0" };

it("a platform without kernels is told once what is lost and how to get it, and only where something is lost", () => {
  const before = process.env.FLASHVL_KERNELS;
  onTestFinished(() => {
    if (before === undefined) delete process.env.FLASHVL_KERNELS;
    else process.env.FLASHVL_KERNELS = before;
  });
  delete process.env.FLASHVL_KERNELS;
  const notes: string[] = [];
  const tell = (text: string) => void notes.push(text);
  tellKernels({ ...none, kernels: "/lib/libflashvl.so" }, "cpu", "auto", tell);
  tellKernels(none, "webgpu", "auto", tell);
  tellKernels(none, "cpu", "fp32", tell);
  tellKernels({ ...none, version: "mine 1" }, "cpu", "auto", tell);
  process.env.FLASHVL_KERNELS = "off";
  tellKernels(none, "cpu", "auto", tell);
  expect(notes).toEqual([]);
  delete process.env.FLASHVL_KERNELS;
  tellKernels(none, "cpu", "auto", tell);
  tellKernels(none, "cpu", "int8", tell);
  expect(notes).toHaveLength(1);
  expect(notes[0]).toMatch(
    /do not load on .*: answers come several times more slowly\..*native\/install\.mjs" builds them/,
  );
});
