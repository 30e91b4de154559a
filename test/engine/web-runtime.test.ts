/** @file onnxruntime-web keeps the contract of runtimes: its WebAssembly build also runs in Node, on one thread. */
import * as ort from "onnxruntime-web/wasm";
import { describe, expect, it } from "vitest";
import { webRuntime } from "../../src/runtime/web/index.ts";
import { floats, runtimeContract, thrown } from "./support/runtime-contract.ts";
import { doubling, tinyModel } from "./support/tiny-onnx.ts";

const runtime = webRuntime(ort);

runtimeContract(runtime);

describe("in a page", () => {
  it("names its version, and copies the CPU's tensors", async () => {
    expect(runtime.version).toBe("onnxruntime-web 1.30.0");
    await using session = await runtime.createSession(doubling("float32"));
    expect(session.inPlace).toBe(false);
  });

  it("takes weights from external data in memory", async () => {
    const model = tinyModel({
      inputs: [{ name: "x", dtype: "float32", dims: ["rows", 2] }],
      outputs: [{ name: "y", dtype: "float32", dims: ["rows", 2] }],
      nodes: [{ op: "Add", inputs: ["x", "w"], outputs: ["y"] }],
      weights: [{ name: "w", dtype: "float32", dims: [2], bytes: { file: "weights.data", length: 8 } }],
    });
    const externalData = new Map([["weights.data", new Uint8Array(Float32Array.of(10, 20).buffer)]]);
    await using session = await runtime.createSession(model, { externalData });
    const y = runtime.createTensor("float32", [1, 2]);
    session.bindInput("x", floats([1, 2], [1, 2]));
    session.bindOutput("y", y);
    await session.run();
    expect([...y.data]).toEqual([11, 22]);
  });

  it("keeps memory that it allocated between runs, until it is released", async () => {
    await using session = await runtime.createSession(doubling("float32"));
    const memory = await session.allocate(8);
    const tensor = { dtype: "float32", dims: [1, 2], memory } as const;
    session.bindInput("x", floats([1, 2], [1, 2]));
    session.bindOutput("y", tensor);
    await session.run();
    session.bindInput("x", tensor);
    await session.run();
    const y = runtime.createTensor("float32", [1, 2]);
    session.bindOutput("y", y);
    await session.run();
    expect([...y.data]).toEqual([8, 16]);
    await memory.release();
    await memory.release();
    expect((await thrown(session.run())).message).toMatch(/released, or belongs to another runtime/);
  });

  it("refuses by name what no page can do", async () => {
    const refused = (options: object) => thrown(runtime.createSession(doubling("float32"), options));
    expect((await refused({ customOps: "kernels.so" })).message).toMatch(/"customOps" does not exist in a page/);
    expect((await refused({ threads: 2 })).message).toMatch(/threads of their runtime, 1; found threads 2/);
    expect(await refused({ device: "cuda" })).toMatchObject({ code: "no-device" });
    expect(await refused({ device: "webgpu" })).toMatchObject({ code: "no-device" });
    expect((await thrown(runtime.createSession(doubling("bfloat16")))).name).toBe("RuntimeError");
  });

  it("stops before a run when its signal has aborted", async () => {
    await using session = await runtime.createSession(doubling("float32"));
    session.bindInput("x", floats([1, 2], [1, 2]));
    session.bindOutput("y", runtime.createTensor("float32", [1, 2]));
    const reason = new Error("enough");
    await expect(session.run(AbortSignal.abort(reason))).rejects.toBe(reason);
    await session.run();
  });
});
