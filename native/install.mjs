/** @file Runs on `npm install` in the repository, or by hand in an installed package: builds the kernel library where none ships for this platform and a C++ compiler is at hand. */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const native = dirname(fileURLToPath(import.meta.url));
const platform = `${process.platform}-${process.arch}`;
const supported = ["linux", "darwin"].includes(process.platform) && ["x64", "arm64"].includes(process.arch);
const ships = existsSync(join(native, "prebuilt", platform));
const compiler = process.env.CXX ?? "c++";

if (!ships && supported && spawnSync(compiler, ["--version"], { stdio: "ignore" }).status === 0) {
  try {
    execFileSync(process.execPath, [join(native, "build.mjs")], { stdio: "inherit" });
  } catch {
    // The kernels only make things faster: plain graphs run everywhere, so a failed build is no failed installation.
    console.warn("flashvl: the native kernels did not build; graphs of standard operators are used instead");
  }
}
