/** @file Tells once what is lost where this package's kernels do not load, and how to get them. */
import { fileURLToPath } from "node:url";
import { note } from "../common/node.ts";
import type { Device, Runtime } from "../runtime/index.ts";

/** The same from src and from dist. */
const INSTALLER = fileURLToPath(new URL("../../native/install.mjs", import.meta.url));

let told = false;

/**
 * A note where a model of fewer bits opens on the CPU without the native kernels. Nothing where they were switched off on
 * purpose, where the runtime is not ONNX Runtime's library, or in float32, which hardly uses them.
 * @example tellKernels(runtime, "cpu", "auto");
 */
export function tellKernels(
  { kernels, version }: Pick<Runtime, "kernels" | "version">,
  device: Device,
  preset: string,
  tell: (text: string) => void = note,
): void {
  if (told || kernels !== undefined || device !== "cpu" || preset === "fp32") return;
  if (process.env.FLASHVL_KERNELS === "off" || !version.startsWith("onnxruntime ")) return;
  told = true;
  tell(
    `This package's kernels do not load on ${process.platform}-${process.arch}: answers come several times more slowly. ` +
      `With a C++ compiler, "node ${INSTALLER}" builds them; FLASHVL_KERNELS=off ends this note.`,
  );
}
