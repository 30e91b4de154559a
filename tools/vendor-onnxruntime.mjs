/** @file Puts ONNX Runtime's CPU libraries into onnxruntime/ before `npm pack`, or removes them again with --remove.
 *
 * Its npm package runs a script on installation that downloads CUDA's libraries, and brings five platforms' Node bindings that
 * nothing here uses. With the libraries inside this package nothing is run and nothing is downloaded.
 */
import { copyFileSync, linkSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const target = fileURLToPath(new URL("../onnxruntime", import.meta.url));
/** What the C API needs: the library, and on Windows the compiler of its WebGPU part. */
const WANTED = /^(libonnxruntime\.so\.1|libonnxruntime\.1\.dylib|onnxruntime\.dll|dxcompiler\.dll|dxil\.dll)$/;

const LICENSE = `Copyright (c) Microsoft Corporation

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation
files (the "Software"), to deal in the Software without restriction, including without limitation the rights to use, copy,
modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the
Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE,
ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
`;

rmSync(target, { recursive: true, force: true });
if (!process.argv.includes("--remove")) {
  const manifest = createRequire(import.meta.url).resolve("onnxruntime-node/package.json");
  const source = join(dirname(manifest), "bin", "napi-v6");
  for (const platform of readdirSync(source))
    for (const arch of readdirSync(join(source, platform))) {
      const folder = join(target, `${platform}-${arch}`);
      mkdirSync(folder, { recursive: true });
      for (const name of readdirSync(join(source, platform, arch)).filter((each) => WANTED.test(each))) {
        const [from, to] = [join(source, platform, arch, name), join(folder, name)];
        try {
          linkSync(from, to); // 200 MB that need not be written
        } catch {
          copyFileSync(from, to);
        }
      }
    }
  const { version, license } = JSON.parse(readFileSync(manifest, "utf8"));
  writeFileSync(join(target, "LICENSE"), `ONNX Runtime ${version}, ${license} License\n\n${LICENSE}`);
}
