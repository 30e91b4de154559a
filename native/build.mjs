/** @file Builds the native kernel library with the C++ compiler at hand: `node native/build.mjs [output folder]`. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const native = dirname(fileURLToPath(import.meta.url));
const arch = process.env.FLASHVL_TARGET_ARCH ?? process.arch;
const platform = `${process.platform}-${arch}`;
const output = process.argv[2] ?? join(native, "build", platform);
const compiler = process.env.CXX ?? "c++";

// Contraction is off so that every instruction set rounds alike; each one's flags reach its own file only.
const common =
  "-std=c++17 -O3 -fPIC -fvisibility=hidden -fno-exceptions -fno-rtti -fno-threadsafe-statics -ffp-contract=off -Wall -Wextra".split(
    " ",
  );
const avx512 = ["-mavx512f", "-mavx512bw", "-mavx512vl", "-mavx512dq", "-mavx512vnni", "-mfma", "-mf16c"];
const avx2 = ["-mavx2", "-mfma", "-mf16c"];
const neon = ["-march=armv8.2-a+dotprod"];
const flagsOf = {
  "kernels-avx512.cc": avx512,
  "kernels-avx512-bf16.cc": [...avx512, "-mavx512bf16"],
  "kernels-avx2.cc": avx2,
  "kernels-neon.cc": neon,
  "train-avx512.cc": avx512,
  "train-avx512-bf16.cc": [...avx512, "-mavx512bf16"],
  "train-avx2.cc": avx2,
  "train-neon.cc": neon,
};
const isX64Only = (file) => file.includes("-avx");
const isArmOnly = (file) => file.includes("-neon");

const work = mkdtempSync(join(tmpdir(), "flashvl-native-"));
try {
  const sources = readdirSync(join(native, "src"))
    .filter((file) => file.endsWith(".cc"))
    .filter((file) => (arch === "x64" || !isX64Only(file)) && (arch === "arm64" || !isArmOnly(file)));
  const objects = sources.map((file) => {
    const object = join(work, `${file}.o`);
    // GCC 12 warns about its own intrinsics' undefined registers.
    const quiet = isX64Only(file)
      ? ["-Wno-unknown-warning-option", "-Wno-maybe-uninitialized", "-Wno-uninitialized"]
      : [];
    execFileSync(
      compiler,
      [...common, ...(flagsOf[file] ?? []), ...quiet, "-c", join(native, "src", file), "-o", object],
      { stdio: "inherit" },
    );
    return object;
  });
  mkdirSync(output, { recursive: true });
  const library = join(output, process.platform === "darwin" ? "libflashvl.dylib" : "libflashvl.so");
  // No C++ runtime: the library must load wherever ONNX Runtime's own does.
  const link =
    process.platform === "darwin"
      ? ["-dynamiclib"]
      : ["-shared", "-s", "-static-libgcc", "-static-libstdc++", "-Wl,--no-undefined", "-lm", "-lpthread"];
  const built = `${library}.${process.pid}`;
  execFileSync(compiler, ["-o", built, ...objects, ...link], { stdio: "inherit" });
  renameSync(built, library); // whole or not at all, also when two installs build at once
  console.log(library);
} finally {
  rmSync(work, { recursive: true, force: true });
}
