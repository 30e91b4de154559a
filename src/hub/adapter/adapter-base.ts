/** @file Where the model is that an adapter belongs to. */
import { realpath, stat } from "node:fs/promises";
import { isAbsolute, join, resolve } from "node:path";
import { CheckpointError, HubError } from "../errors.ts";
import { INDEX_FILE, SINGLE_FILE } from "../snapshot-files.ts";
import { ADAPTER_CONFIG, ADAPTER_WEIGHTS, readAdapterConfig } from "./adapter-config.ts";

const isFile = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isFile(),
    () => false,
  ); // prettier-ignore
const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  ); // prettier-ignore

/** Whether a folder holds an adapter and no model of its own. */
export async function isAdapterFolder(folder: string): Promise<boolean> {
  if (!(await isFile(join(folder, ADAPTER_CONFIG)))) return false;
  const whole = await Promise.all([SINGLE_FILE, INDEX_FILE].map((name) => isFile(join(folder, name))));
  return !whole.includes(true);
}

/**
 * The folder of the model that an adapter belongs to: what `base_model_name_or_path` names, seen from the adapter's folder,
 * then from the working directory, then as a name of the hub.
 * @param resolveName finds a model of the hub
 * @throws CheckpointError when the config names none, or one that is not found
 */
export async function adapterBase(folder: string, resolveName: (name: string) => Promise<string>): Promise<string> {
  const { base } = await readAdapterConfig(folder);
  const config = join(folder, ADAPTER_CONFIG);
  if (base === undefined)
    throw new CheckpointError(
      config,
      "does not say which model the adapter belongs to; set base_model_name_or_path to that model's folder or name",
    );
  const places = isAbsolute(base) ? [base] : [resolve(await realpath(folder), base), resolve(base)];
  for (const place of places) if (await isFolder(place)) return place;
  try {
    if (isAbsolute(base)) throw new HubError("not-found", `${base}: there is no such folder`);
    return await resolveName(base);
  } catch (cause) {
    if (!(cause instanceof HubError)) throw cause;
    throw new HubError(
      cause.code,
      `${folder} holds an adapter (${ADAPTER_WEIGHTS}) for the model ${JSON.stringify(base)}, which cannot be opened. ` +
        `${cause.message}. Set base_model_name_or_path in ${config} to that model's folder or name`,
      { cause },
    );
  }
}
