/** @file Finds this package's own kernel library, and says whether this machine can load it. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { koffi } from "./koffi.ts";

const FILE_NAMES = new Map<string, string>(Object.entries({ darwin: "libflashvl.dylib", win32: "flashvl.dll" }));

/** Known answers: loading is tried once. */
const found = new Map<string, boolean>();

/**
 * Path of the kernel library, or undefined where there is none that loads: graphs then use ONNX Runtime's own kernels.
 * `FLASHVL_KERNELS` names another file, or is "off".
 * @throws Error when FLASHVL_KERNELS names a file that does not exist or does not load.
 * @example const customOps = kernelLibraryPath();
 */
export function kernelLibraryPath(): string | undefined {
  const chosen = process.env.FLASHVL_KERNELS;
  if (chosen === "off") return undefined;
  if (chosen) {
    if (!loads(chosen))
      throw new Error(
        `FLASHVL_KERNELS names "${chosen}", which does not exist or does not load. Unset it, or say "off".`,
      );
    return chosen;
  }
  const name = FILE_NAMES.get(process.platform) ?? "libflashvl.so";
  // A build on this machine before the one that ships.
  return ["build", "prebuilt"]
    .map((folder) =>
      fileURLToPath(new URL(`../../../native/${folder}/${process.platform}-${process.arch}/${name}`, import.meta.url)),
    )
    .find(loads);
}

/** The kernels of training in the library: its path, and whether this machine multiplies in bfloat16. */
export interface TrainingKernels {
  readonly path: string;
  readonly bfloat16: boolean;
}

/**
 * The native kernels of training, or undefined where there are none: training graphs then use ONNX Runtime's own.
 * @throws Error when FLASHVL_KERNELS names a file that does not exist or does not load
 */
export function trainingKernels(): TrainingKernels | undefined {
  const path = kernelLibraryPath();
  if (!path) return undefined;
  try {
    const numbers = koffi.load(path).func("const char *flashvl_train_numbers(const char *kernel)");
    return { path, bfloat16: numbers(process.env.FLASHVL_KERNEL ?? "") === "bf16" };
  } catch {
    return undefined; // a library from before there were any
  }
}

function loads(path: string): boolean {
  let answer = found.get(path);
  if (answer === undefined) {
    answer = existsSync(path) && canLoad(path);
    found.set(path, answer);
  }
  return answer;
}

function canLoad(path: string): boolean {
  try {
    const library = koffi.load(path);
    library.func("void *RegisterCustomOps(void *options, void *base)");
    const chosen = process.env.FLASHVL_KERNEL ?? "";
    const level = library.func("const char *flashvl_kernel_name(const char *wanted)")(chosen);
    // Plain C++ is there for tests and as a reference: ONNX Runtime's own kernels are many times faster.
    return level !== "portable" || chosen === "portable";
  } catch {
    return false;
  }
}
