/** @file What every runtime does, whatever runs its graphs: it reads and writes bound tensors, and says what is wrong in the same words. */
import { describe, expect, it } from "vitest";
import { type Runtime, RuntimeError, type Session, type Tensor, wrapTensor } from "../../../src/runtime/index.ts";
import { doubling, slowModel, type TinyType, tinyModel } from "./tiny-onnx.ts";

export const floats = (dims: number[], values: number[]): Tensor =>
  wrapTensor("float32", dims, Float32Array.from(values).buffer as ArrayBuffer);

/** What a promise rejects with. */
export const thrown = async (promise: Promise<unknown>): Promise<RuntimeError> => {
  try {
    await promise;
  } catch (error) {
    return error as RuntimeError;
  }
  throw new Error("nothing was thrown");
};

/** A session that runs for long enough to do something meanwhile. */
export async function openSlow(runtime: Runtime, steps = 2): Promise<Session> {
  const session = await runtime.createSession(slowModel(steps), { threads: 1 });
  session.bindInput("x", runtime.createTensor("float32", [512, 512]));
  session.bindOutput("y", runtime.createTensor("float32", [512, 512]));
  return session;
}

/** Registers the tests of a runtime; one thread is enough for all of them. */
export function runtimeContract(runtime: Runtime): void {
  describe("running", () => {
    it("describes inputs and outputs with their free dimensions", async () => {
      await using session = await runtime.createSession(doubling("float32"));
      expect(session.inputs).toEqual([{ name: "x", dtype: "float32", dims: ["rows", 2] }]);
      expect(session.outputNames).toEqual(["y"]);
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
      expect(() => session.bindInput("z", runtime.createTensor("float32", [1, 2]))).toThrow(
        /has no input "z"; it has x/,
      );
      session.bindInput("x", runtime.createTensor("float32", [1, 2]));
      await expect(session.run()).rejects.toThrow(/Nothing is bound to output y; expected float32 \[rows, 2\]/);
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
  });

  describe("ending", () => {
    it("says so when a disposed session is used, and disposes twice without harm", async () => {
      const session = await runtime.createSession(doubling("float32"));
      await session.dispose();
      await session.dispose();
      expect(session.disposed).toBe(true);
      await expect(session.run()).rejects.toThrow(/this session is disposed/);
      expect(() => session.bindInput("x", runtime.createTensor("float32", [1, 2]))).toThrow(/disposed/);
    });

    it("waits for the run in progress before it releases anything", async () => {
      const session = await openSlow(runtime);
      const order: string[] = [];
      const run = session.run().then(() => order.push("run"));
      await session.dispose().then(() => order.push("dispose"));
      await run;
      expect(order).toEqual(["run", "dispose"]);
    });

    it("refuses a second run and new bindings while one is in progress", async () => {
      await using session = await openSlow(runtime);
      const run = session.run();
      await expect(session.run()).rejects.toThrow(/session is running/);
      expect(() => session.bindInput("x", runtime.createTensor("float32", [512, 512]))).toThrow(/session is running/);
      await run;
    });
  });
}
