/** @file `npm run deploy:manifests`: writes the manifests as YAML and HAProxy's configuration, those of the default choices, beside this file. */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { defaults } from "./choices.ts";
import { renderManifests } from "./render-manifests.ts";
import { exampleServers, haproxyConfig } from "./routing/haproxy.ts";

const files = [...renderManifests(defaults), ["routing/haproxy.cfg", haproxyConfig(exampleServers)] as const];
for (const [path, text] of files) {
  const file = join(import.meta.dirname, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
  process.stdout.write(`deploy/${path}\n`);
}
