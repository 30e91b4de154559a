/** @file ONNX Runtime through koffi keeps the contract of runtimes, runs beside the event loop, and gives back what it took. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, describe, expect, it } from "vitest";
import { wrapTensor } from "../../src/runtime/index.ts";
import { nativeRuntime } from "../../src/runtime/ort/index.ts";
import { noGpu } from "./support/no-gpu.ts";
import { floats, openSlow, runtimeContract, thrown } from "./support/runtime-contract.ts";
import { doubling, tinyModel } from "./support/tiny-onnx.ts";

const runtime = nativeRuntime();
const folder = mkdtempSync(join(tmpdir(), "flashvl-runtime-"));
afterAll(() => rmSync(folder, { recursive: true }));

runtimeContract(runtime);

it("names its version", () => {
  expect(runtime.version).toMatch(/^onnxruntime 1\.30\.0$/);
});

describe("running natively", () => {
  it("carries bool and bf16 tensors, and several inputs at once", async () => {
    const model = tinyModel({
      inputs: [
        { name: "b", dtype: "bool", dims: [3] },
        { name: "h", dtype: "bfloat16", dims: [2] },
      ],
      outputs: [
        { name: "not", dtype: "bool", dims: [3] },
        { name: "wide", dtype: "float32", dims: [2] },
      ],
      nodes: [
        { op: "Not", inputs: ["b"], outputs: ["not"] },
        { op: "Cast", inputs: ["h"], outputs: ["wide"], attributes: { to: 1n } },
      ],
    });
    await using session = await runtime.createSession(model);
    const not = runtime.createTensor("bool", [3]);
    const wide = runtime.createTensor("float32", [2]);
    session.bindInput("b", wrapTensor("bool", [3], Uint8Array.of(1, 0, 1).buffer));
    session.bindInput("h", wrapTensor("bfloat16", [2], Uint16Array.of(0x3f80, 0xc000).buffer));
    session.bindOutput("not", not);
    session.bindOutput("wide", wide);
    await session.run();
    expect([...not.data]).toEqual([0, 1, 0]);
    expect([...wide.data]).toEqual([1, -2]);
  });

  it("leaves the event loop free while graphs load and run", async () => {
    const session = await openSlow(runtime, 40);
    // Turns of the loop, not of a clock: they come however slow the machine is.
    let turns = 0;
    let running = true;
    const turn = (): void => {
      turns++;
      if (running) setImmediate(turn);
    };
    setImmediate(turn);
    await session.run();
    running = false;
    await session.dispose();
    expect(turns).toBeGreaterThan(5);
  });

  it("takes weights from external data beside the model and from memory", async () => {
    const weights = Float32Array.of(10, 20);
    const parts = (bytes: { file: string; length: number }) => ({
      inputs: [{ name: "x", dtype: "float32" as const, dims: ["rows", 2] }],
      outputs: [{ name: "y", dtype: "float32" as const, dims: ["rows", 2] }],
      nodes: [{ op: "Add", inputs: ["x", "w"], outputs: ["y"] }],
      weights: [{ name: "w", dtype: "float32" as const, dims: [2], bytes }],
    });
    const path = join(folder, "external.onnx");
    writeFileSync(path, tinyModel(parts({ file: "external.data", length: 8 })));
    writeFileSync(join(folder, "external.data"), new Uint8Array(weights.buffer));
    const run = async (session: Awaited<ReturnType<typeof runtime.createSession>>) => {
      const y = runtime.createTensor("float32", [1, 2]);
      session.bindInput("x", floats([1, 2], [1, 2]));
      session.bindOutput("y", y);
      await session.run();
      await session.dispose();
      return [...y.data];
    };
    expect(await run(await runtime.createSession(path))).toEqual([11, 22]);
    const initializers = new Map([["w", floats([2], [100, 200])]]);
    const nowhere = tinyModel(parts({ file: "nowhere.data", length: 8 }));
    expect(await run(await runtime.createSession(nowhere, { initializers }))).toEqual([101, 202]);
  });
});

describe("native errors", () => {
  it("refuses missing files, impossible options and devices that the library lacks", async () => {
    expect((await thrown(runtime.createSession(join(folder, "none.onnx")))).code).toBe("NO_SUCHFILE");
    await expect(runtime.createSession(doubling("float32"), { threads: 0 })).rejects.toThrow(/threads must be/);
    await expect(runtime.createSession(doubling("float32"), { device: "cuda" })).rejects.toThrow(
      /device "cuda" (is not offered|cannot be used).*device "cpu"/,
    );
    await expect(runtime.createSession(doubling("float32"), { customOps: join(folder, "none.so") })).rejects.toThrow(
      /none\.so/,
    );
  });

  // The library of linux x64 lists WebGPU, and only starting it shows whether there is a GPU for it.
  it.runIf(noGpu)("refuses webgpu where there is no GPU, and the process goes on", async () => {
    const error = await thrown(runtime.createSession(doubling("float32"), { device: "webgpu" }));
    expect(error).toMatchObject({ name: "RuntimeError", code: "no-device" });
    expect(error.message).toMatch(/device "webgpu" (is not offered|cannot be used).*device "cpu"/);
    await using session = await runtime.createSession(doubling("float32"));
    expect(session.inputNames).toEqual(["x"]);
  });

  it("writes the optimised graph and a profile where it is asked to", async () => {
    const optimizedModelPath = join(folder, "optimised.onnx");
    const profilePrefix = join(folder, "profile");
    const options = { optimizedModelPath, profilePrefix, graphOptimization: "extended" as const, memoryPattern: true };
    const session = await runtime.createSession(doubling("float32"), {
      ...options,
      spinning: false,
      memoryArena: false,
    });
    session.bindInput("x", floats([1, 2], [1, 2]));
    session.bindOutput("y", runtime.createTensor("float32", [1, 2]));
    await session.run();
    await session.dispose();
    const profile = readdirSync(folder).find((name) => name.startsWith("profile"))!;
    expect(readFileSync(join(folder, profile), "utf8")).toContain("node0_kernel_time");
    await using again = await runtime.createSession(optimizedModelPath);
    expect(again.inputNames).toEqual(["x"]);
  });
});

describe("ending natively", () => {
  it("keeps the library and bound memory through garbage collection", async () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    await using session = await runtime.createSession(doubling("float32"));
    const y = runtime.createTensor("float32", [1, 2]);
    session.bindInput("x", floats([1, 2], [1, 2]));
    session.bindOutput("y", y);
    for (let i = 0; i < 3; i++) {
      collect();
      // Native handles are let go in a later turn of the event loop.
      await new Promise((resolve) => setImmediate(resolve));
    }
    await session.run();
    expect([...y.data]).toEqual([2, 4]);
  });

  it("stops a run when its signal aborts, and can run again", async () => {
    await using session = await openSlow(runtime, 40);
    const y = runtime.createTensor("float32", [512, 512]);
    session.bindOutput("y", y);
    (y.data as Float32Array).fill(7);
    const controller = new AbortController();
    const reason = new Error("enough");
    const aborted = session.run(controller.signal);
    controller.abort(reason);
    await expect(aborted).rejects.toBe(reason);
    // It never came to the last of the forty products, which writes.
    expect((y.data as Float32Array).every((value) => value === 7)).toBe(true);
    await expect(session.run(controller.signal)).rejects.toBe(reason);
    await session.run();
    expect(y.data[0]).not.toBe(7);
  });

  it("keeps memory flat over 200 sessions", async () => {
    const weights = new Uint8Array(1 << 20);
    const model = tinyModel({
      inputs: [{ name: "x", dtype: "float32", dims: [512] }],
      outputs: [{ name: "y", dtype: "float32", dims: [512] }],
      nodes: [{ op: "MatMul", inputs: ["x", "w"], outputs: ["y"] }],
      weights: [{ name: "w", dtype: "float32", dims: [512, 512], bytes: weights }],
    });
    const once = async () => {
      const session = await runtime.createSession(model, { threads: 1 });
      session.bindInput("x", runtime.createTensor("float32", [512]));
      session.bindOutput("y", runtime.createTensor("float32", [512]));
      await session.run();
      await session.dispose();
    };
    for (let i = 0; i < 50; i++) await once();
    const before = process.memoryUsage().rss;
    for (let i = 0; i < 200; i++) await once();
    // 200 leaked sessions would hold at least 200 MiB of weights.
    expect((process.memoryUsage().rss - before) / 2 ** 20).toBeLessThan(60);
  });
});
