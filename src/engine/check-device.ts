/** @file Refuses adapters that compute attention wrongly, before they give wrong answers. */
import { input, multiHeadAttention, serialize } from "../graph/index.ts";
import { type Device, oncePerDevice, type Runtime, RuntimeError } from "../runtime/index.ts";

/** Enough queries for the kernel that reads prompts and pictures: ONNX Runtime has another for few. */
const [TOKENS, HEADS, WIDTH] = [64, 2, 64];
/** Right results are within 1e-6 of the CPU's; wrong ones were off by 1e-2 and more. */
const TOLERANCE = 1e-3;

/**
 * Compares the attention of a device with the CPU's, once per runtime. ONNX Runtime's WebGPU kernel gives
 * wrong results without an error on software adapters such as SwiftShader, presumably because their subgroups are so narrow.
 * @throws RuntimeError when they differ
 */
export const checkDevice = oncePerDevice(compare);

async function compare(runtime: Runtime, device: Device): Promise<void> {
  if (device === "cpu") return;
  const [expected, found] = [await attend(runtime, "cpu"), await attend(runtime, device)];
  const difference = Math.max(...expected.map((value, i) => Math.abs(value - found[i]!)));
  if (difference <= TOLERANCE) return;
  throw new RuntimeError(
    `The adapter of device "${device}" computes attention wrongly (off by ${difference.toPrecision(2)}), as software adapters do. ` +
      'Use a GPU with a driver of its own, or device "cpu".',
    "no-device",
  );
}

/** Attention over numbers between -1 and 1. */
async function attend(runtime: Runtime, device: Device): Promise<Float32Array> {
  const dims = [1, TOKENS, WIDTH];
  const [q, k, v] = ["q", "k", "v"].map((name) => input(name, "float32", dims));
  const { bytes } = serialize({ y: multiHeadAttention(q!, k!, v!, HEADS, 1) }, "inputs");
  await using session = await runtime.createSession(bytes, { device });
  for (const [part, name] of ["q", "k", "v"].entries()) {
    const tensor = runtime.createTensor("float32", dims);
    (tensor.data as Float32Array).set(
      Float32Array.from({ length: TOKENS * WIDTH }, (_, i) => Math.sin(12.9898 * i + 78.233 * part)),
    );
    session.bindInput(name, tensor);
  }
  const y = runtime.createTensor("float32", dims);
  session.bindOutput("y", y);
  await session.run();
  return y.data as Float32Array;
}
