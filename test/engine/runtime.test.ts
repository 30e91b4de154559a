/** @file The runtime runs graphs in place, says what is wrong, and gives back what it took. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, describe, expect, it } from "vitest";
import { nativeRuntime, RuntimeError, type Tensor, wrapTensor } from "../../src/engine/runtime/index.ts";
import { noGpu } from "./support/no-gpu.ts";
import { doubling, type TinyType, tinyModel } from "./support/tiny-onnx.ts";

const runtime = nativeRuntime();
const folder = mkdtempSync(join(tmpdir(), "flashvl-runtime-"));
afterAll(() => rmSync(folder, { recursive: true }));

const floats = (dims: number[], values: number[]): Tensor =>
  wrapTensor("float32", dims, Float32Array.from(values).buffer as ArrayBuffer);
const thrown = async (promise: Promise<unknown>): Promise<RuntimeError> => {
  try {
    await promise;
  } catch (error) {
    return error as RuntimeError;
  }
  throw new Error("nothing was thrown");
};
/** Many matrix products: long enough to abort, to dispose during, and to see the event loop turn beside. */
const slowModel = (): Uint8Array => {
  const size = 512;
  const steps = 40;
  return tinyModel({
    inputs: [{ name: "x", dtype: "float32", dims: [size, size] }],
    outputs: [{ name: "y", dtype: "float32", dims: [size, size] }],
    nodes: Array.from({ length: steps }, (_, i) => ({
      op: "MatMul",
      inputs: [i === 0 ? "x" : `h${i}`, "x"],
      outputs: [i === steps - 1 ? "y" : `h${i + 1}`],
    })),
  });
};
const openSlow = async () => {
  const session = await runtime.createSession(slowModel(), { threads: 1 });
  session.bindInput("x", runtime.createTensor("float32", [512, 512]));
  session.bindOutput("y", runtime.createTensor("float32", [512, 512]));
  return session;
};

describe("running", () => {
  it("describes inputs and outputs with their free dimensions", async () => {
    await using session = await runtime.createSession(doubling("float32"));
    expect(session.inputs).toEqual([{ name: "x", dtype: "float32", dims: ["rows", 2] }]);
    expect(session.outputNames).toEqual(["y"]);
    expect(runtime.version).toMatch(/^onnxruntime 1\.30\.0$/);
  });

  it("writes into the caller's memory and follows a free dimension from run to run", async () => {
    await using session = await runtime.createSession(doubling("float32"));
    for (const rows of [1, 3, 2, 0]) {
      const x = floats(
        [rows, 2],
        Array.from({ length: rows * 2 }, (_, i) => i + 0.5),
      );
      const y = runtime.createTensor("float32", [rows, 2]);
      session.bindInput("x", x);
      session.bindOutput("y", y);
      await session.run();
      expect([...(y.data as Float32Array)]).toEqual(Array.from({ length: rows * 2 }, (_, i) => 2 * i + 1));
    }
  });

  const integers: [TinyType, number[], number[]][] = [
    ["int64", [-3, 2 ** 40], [-6, 2 ** 41]],
    ["int32", [-3, 7], [-6, 14]],
    ["uint8", [1, 200], [2, 144]],
    // float16 1.0 = 0x3c00, 2.0 = 0x4000; bfloat16 1.0 = 0x3f80, 2.0 = 0x4000
    ["float16", [0x3c00, 0], [0x4000, 0]],
  ];
  it.each(integers)("carries %s tensors", async (dtype, values, doubled) => {
    await using session = await runtime.createSession(doubling(dtype));
    const x = runtime.createTensor(dtype, [1, 2]);
    const y = runtime.createTensor(dtype, [1, 2]);
    values.forEach((value, i) => {
      x.data[i] = dtype === "int64" ? BigInt(value) : value;
    });
    session.bindInput("x", x);
    session.bindOutput("y", y);
    await session.run();
    expect(Array.from(y.data, Number)).toEqual(doubled);
  });

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
    const session = await openSlow();
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    await session.run();
    clearInterval(timer);
    await session.dispose();
    expect(ticks).toBeGreaterThan(5);
  });

  it("runs several sessions at once with each its own numbers", async () => {
    const model = doubling("float32");
    const sessions = await Promise.all(Array.from({ length: 4 }, () => runtime.createSession(model)));
    const outputs = sessions.map((session, i) => {
      const y = runtime.createTensor("float32", [1, 2]);
      session.bindInput("x", floats([1, 2], [i, -i]));
      session.bindOutput("y", y);
      return y;
    });
    await Promise.all(sessions.map((session) => session.run()));
    expect(outputs.map((y) => y.data[0])).toEqual([0, 2, 4, 6]);
    await Promise.all(sessions.map((session) => session.dispose()));
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

  it("appends to a KV cache in place when past and present are the same buffer", async () => {
    const [heads, size, capacity] = [2, 8, 6];
    const kv = { dtype: "float32" as const, dims: ["batch", 1, "capacity", size] };
    const model = tinyModel({
      inputs: [
        { name: "qkv", dtype: "float32", dims: ["batch", "seq", (heads + 2) * size] },
        { name: "past_k", ...kv },
        { name: "past_v", ...kv },
        { name: "seqlens", dtype: "int32", dims: ["batch"] },
        { name: "total", dtype: "int32", dims: [] },
      ],
      outputs: [
        { name: "out", dtype: "float32", dims: ["batch", "seq", heads * size] },
        { name: "present_k", ...kv },
        { name: "present_v", ...kv },
      ],
      nodes: [
        {
          op: "GroupQueryAttention",
          domain: "com.microsoft",
          inputs: ["qkv", "", "", "past_k", "past_v", "seqlens", "total"],
          outputs: ["out", "present_k", "present_v"],
          attributes: { num_heads: BigInt(heads), kv_num_heads: 1n },
        },
      ],
    });
    await using session = await runtime.createSession(model, { threads: 1 });
    const tokens = Array.from({ length: 4 }, (_, t) =>
      Array.from({ length: (heads + 2) * size }, (_, i) => Math.sin(1 + t * 31 + i)),
    );
    /** Feeds `tokens` in pieces of the given lengths and returns the last token's attention output. */
    const feed = async (pieces: number[]): Promise<number[]> => {
      const k = runtime.createTensor("float32", [1, 1, capacity, size]);
      const v = runtime.createTensor("float32", [1, 1, capacity, size]);
      let done = 0;
      let last: number[] = [];
      for (const length of pieces) {
        const out = runtime.createTensor("float32", [1, length, heads * size]);
        session.bindInput("qkv", floats([1, length, (heads + 2) * size], tokens.slice(done, done + length).flat()));
        done += length;
        session.bindInput("past_k", k);
        session.bindInput("past_v", v);
        session.bindOutput("present_k", k);
        session.bindOutput("present_v", v);
        session.bindInput("seqlens", wrapTensor("int32", [1], Int32Array.of(done - 1).buffer));
        session.bindInput("total", wrapTensor("int32", [], Int32Array.of(done).buffer));
        session.bindOutput("out", out);
        await session.run();
        last = [...(out.data as Float32Array)].slice(-heads * size);
      }
      // Rows up to `done` hold keys, rows after it are untouched.
      const rows = k.data as Float32Array;
      expect(rows[(done - 1) * size]).toBeCloseTo(tokens[done - 1]![heads * size]!, 6);
      expect(rows[done * size]).toBe(0);
      return last;
    };
    const whole = await feed([4]);
    for (const pieces of [
      [1, 1, 1, 1],
      [3, 1],
      [2, 2],
    ]) {
      const inPieces = await feed(pieces);
      inPieces.forEach((value, i) => {
        expect(value).toBeCloseTo(whole[i]!, 5);
      });
    }
  });
});

describe("errors", () => {
  it("names the input, what it is and what was found", async () => {
    await using session = await runtime.createSession(doubling("float32"));
    expect(() => session.bindInput("x", runtime.createTensor("int64", [1, 2]))).toThrow(
      /input "x" is float32 \[rows, 2\]; found a tensor int64 \[1, 2\]/,
    );
    expect(() => session.bindInput("x", runtime.createTensor("float32", [1, 3]))).toThrow(
      /found a tensor float32 \[1, 3\]/,
    );
    expect(() => session.bindInput("z", runtime.createTensor("float32", [1, 2]))).toThrow(/has no input "z"; it has x/);
    session.bindInput("x", runtime.createTensor("float32", [1, 2]));
    await expect(session.run()).rejects.toThrow(/Nothing is bound to output y; expected float32 \[rows, 2\]/);
  });

  it("passes on ONNX Runtime's own message and code", async () => {
    await using session = await runtime.createSession(doubling("float32"));
    session.bindInput("x", runtime.createTensor("float32", [2, 2]));
    session.bindOutput("y", runtime.createTensor("float32", [5, 2]));
    const error = await thrown(session.run());
    expect(error).toBeInstanceOf(RuntimeError);
    expect(error.code).toMatch(/^[A-Z_]+$/);
    expect(error.message).toMatch(/shape|Shape/);
    const parse = await thrown(runtime.createSession(new Uint8Array([1, 2, 3])));
    expect(parse.code).toBe("INVALID_PROTOBUF");
    const unknown = { inputs: [], outputs: [{ name: "y", dtype: "float32" as const, dims: [1] }] };
    const node = { op: "NoSuchOperator", inputs: [], outputs: ["y"] };
    const graph = await thrown(runtime.createSession(tinyModel({ ...unknown, nodes: [node] })));
    expect(graph.message).toContain("NoSuchOperator");
  });

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

  it("refuses tensors that do not fit their memory", () => {
    expect(() => wrapTensor("float32", [4], new ArrayBuffer(8))).toThrow(
      /needs 16 bytes from offset 0; the buffer has 8/,
    );
    expect(() => wrapTensor("float32", [1], new ArrayBuffer(8), 2)).toThrow(/multiple of 4/);
    expect(() => runtime.createTensor("float32", [-1])).toThrow(/whole numbers >= 0/);
  });

  it("notices memory that was transferred to another thread", async () => {
    await using session = await runtime.createSession(doubling("float32"));
    const x = runtime.createTensor("float32", [1, 2]);
    session.bindInput("x", x);
    session.bindOutput("y", runtime.createTensor("float32", [1, 2]));
    structuredClone(x.data.buffer, { transfer: [x.data.buffer as ArrayBuffer] });
    await expect(session.run()).rejects.toThrow(/memory bound to input x was transferred/);
  });
});

describe("ending", () => {
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

  it("says so when a disposed session is used, and disposes twice without harm", async () => {
    const session = await runtime.createSession(doubling("float32"));
    await session.dispose();
    await session.dispose();
    expect(session.disposed).toBe(true);
    await expect(session.run()).rejects.toThrow(/this session is disposed/);
    expect(() => session.bindInput("x", runtime.createTensor("float32", [1, 2]))).toThrow(/disposed/);
  });

  it("waits for the run in progress before it releases anything", async () => {
    const session = await openSlow();
    const order: string[] = [];
    const run = session.run().then(() => order.push("run"));
    await session.dispose().then(() => order.push("dispose"));
    await run;
    expect(order).toEqual(["run", "dispose"]);
  });

  it("refuses a second run and new bindings while one is in progress", async () => {
    await using session = await openSlow();
    const run = session.run();
    await expect(session.run()).rejects.toThrow(/session is running/);
    expect(() => session.bindInput("x", runtime.createTensor("float32", [512, 512]))).toThrow(/session is running/);
    await run;
  });

  it("stops a run when its signal aborts, and can run again", async () => {
    await using session = await openSlow();
    await session.run();
    // Processor time: what else the machine does must not count.
    const spent = (since: NodeJS.CpuUsage) => process.cpuUsage(since).user;
    const start = process.cpuUsage();
    await session.run();
    const full = spent(start);
    const controller = new AbortController();
    const reason = new Error("enough");
    const aborted = session.run(controller.signal);
    controller.abort(reason);
    const before = process.cpuUsage();
    await expect(aborted).rejects.toBe(reason);
    expect(spent(before)).toBeLessThan(full);
    await expect(session.run(controller.signal)).rejects.toBe(reason);
    await session.run();
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
