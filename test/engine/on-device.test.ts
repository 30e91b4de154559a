/** @file Graphs and KV cache for GPUs, on WebGPU where there is an adapter: PyTorch's logits in all slots, together, copied, from a cache that grew. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { presetGraphs } from "../../src/compile/index.ts";
import { topologicalOrder } from "../../src/graph/index.ts";
import { parseConfig } from "../../src/model/index.ts";
import { GOLDEN } from "./support/golden.ts";
import { temporaryFolder } from "./support/models.ts";
import type { DeviceReport } from "./support/on-device.ts";

/** Chromium's adapter in software, for machines without a GPU: it takes half a minute, so it is for long runs of the tests. */
const SWIFTSHADER = "/usr/lib/chromium/vk_swiftshader_icd.json";
const NO_ADAPTER = /No supported adapters|is not offered by the loaded ONNX Runtime|cannot be used on this machine/;

const cacheDir = temporaryFolder();

function onDevice(device: string, preset: string, env: NodeJS.ProcessEnv = {}): DeviceReport | undefined {
  const script = fileURLToPath(new URL("support/on-device.ts", import.meta.url));
  const args = ["--import", "tsx", script, device, preset, cacheDir];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    encoding: "utf8",
    env: { ...process.env, ...env },
    maxBuffer: 1 << 26,
  });
  if (status !== 0 && NO_ADAPTER.test(stderr)) return undefined;
  if (status !== 0) throw new Error(stderr.split("\n").slice(-20).join("\n"));
  return JSON.parse(stdout.trim().split("\n").at(-1)!) as DeviceReport;
}

describe("presets on a GPU", () => {
  const config = parseConfig(JSON.parse(readFileSync(`${GOLDEN}config.json`, "utf8")));

  it.each(["fp32", "fp16", "int8", "int4", "auto"] as const)("%s has none of the CPU's own kernels", (preset) => {
    const graphs = presetGraphs(preset, config, { device: "webgpu", activations: "float16" });
    for (const graph of [graphs.vision, graphs.decode]) {
      const ops = new Set(topologicalOrder(Object.values(graph)).map((node) => node.op.name));
      for (const op of ["Linear", "BlockwiseMatMul", "Int8Linear", "CachedAttention"]) expect(ops).not.toContain(op);
    }
    expect(graphs.prefill).toBe(graphs.decode);
    expect(graphs.decode["present.0.key"]!.dtype).toBe(preset === "fp32" ? "float32" : "float16");
    expect(graphs.decode.logits!.dtype).toBe("float32");
  });

  it("refuses what only the CPU can", () => {
    expect(() => presetGraphs("w8a8", config, { device: "webgpu" })).toThrow(/w8a8.*CPU only; use int8/);
    const overrides = { "llm.lm_head": "w8a8" as const };
    expect(() => presetGraphs("fp32", config, { device: "cuda", overrides })).toThrow(/w8a8/);
    expect(() => presetGraphs("int4", config, { device: "webgpu", kernels: "native" })).toThrow(/run on the CPU/);
  });
});

describe("on a device", () => {
  it("WebGPU gives PyTorch's logits in float32", { timeout: 120_000 }, ({ skip }) => {
    const software =
      process.env.FLASHVL_LONG === "1" && existsSync(SWIFTSHADER)
        ? { VK_ICD_FILENAMES: SWIFTSHADER, VK_DRIVER_FILES: SWIFTSHADER }
        : {};
    const report = onDevice("webgpu", "fp32", software);
    if (!report) return skip("there is no WebGPU adapter here");
    for (const error of [report.alone, report.together, report.copied, report.keys]) expect(error).toBeLessThan(1e-4);
  });

  it("the cache of devices gives PyTorch's logits in any slot, here in the CPU's memory", { timeout: 60_000 }, () => {
    const { vision, alone, together, copied, keys } = onDevice("cpu", "fp32")!;
    for (const error of [vision!, alone, together, copied, keys]) expect(error).toBeLessThan(1e-5);
  });

  it("the graphs of preset fp16 are within float16's rounding of PyTorch's numbers", { timeout: 60_000 }, () => {
    const report = onDevice("cpu", "fp16")!;
    for (const error of [report.vision!, report.alone, report.together, report.copied, report.keys])
      expect(error).toBeLessThan(1e-2);
    // And it is float16 that was computed.
    expect(report.alone).toBeGreaterThan(1e-5);
  });
});
