/** @file Brings a model to a hub: a repository is made, and all files arrive in one commit or not at all. */
import { pathToFileURL } from "node:url";
import { needPackage } from "../common/node.ts";
import { HubError } from "./errors.ts";
import { parseModelName } from "./model-name.ts";
import { readSettings } from "./settings.ts";

/** A file of the repository: one of this machine, or a text. */
export interface PushedFile {
  readonly name: string;
  readonly content: { readonly file: string } | { readonly text: string };
}

export interface PushOptions {
  /** Default: HF_ENDPOINT, https://huggingface.co. */
  readonly endpoint?: string;
  /** Default: HF_TOKEN, or the file that `hf auth login` writes. */
  readonly token?: string;
  /** Only its owners see the repository; as the organisation has it when left out. */
  readonly private?: boolean;
  /** A commit on a repository that exists already. Without it, a name that is taken is refused. */
  readonly update?: boolean;
  readonly title?: string;
  readonly signal?: AbortSignal;
}

export interface Pushed {
  /** Page of the repository. */
  readonly url: string;
  readonly commit: string;
}

/** What the hub answered, as an error that says what to do. */
function explain(error: unknown, repo: string, endpoint: string): unknown {
  const { statusCode: status, message } = error as { statusCode?: number; message: string };
  const host = new URL(endpoint).host;
  const said = /^Api error/.test(message) ? "" : ` The hub says: ${message.replace(/\. URL: .*$/s, "")}.`;
  if (status === 401)
    return new HubError(
      "unauthorized",
      `${host} does not accept the token (HF_TOKEN or the token file). Make one that may write at ${endpoint}/settings/tokens.${said}`,
      { cause: error },
    );
  if (status === 403)
    return new HubError(
      "unauthorized",
      `The token may not write to ${repo} on ${host}. Check the name before the slash, and that the token has the right to write.${said}`,
      { cause: error },
    );
  if (status === 404)
    return new HubError("not-found", `${repo} was not found on ${host}. Check the name and the revision.${said}`, {
      cause: error,
    });
  if (status !== undefined)
    return new HubError("network", `${host} answered ${status} for ${repo}.${said}`, { cause: error });
  if (error instanceof TypeError && /hf_/.test(message))
    return new HubError(
      "unauthorized",
      `The token (HF_TOKEN or the token file) is none of a hub: it does not begin with hf_.`,
      {
        cause: error,
      },
    );
  if (error instanceof TypeError && /fetch failed/.test(message))
    return new HubError(
      "network",
      `${host} does not answer: ${(error.cause as Error | undefined)?.message ?? message}.`,
      {
        cause: error,
      },
    );
  return error;
}

/**
 * Makes the repository `org/name` if need be and commits the files to it, on the branch behind an `@`, else on main.
 * @throws HubError "unauthorized" without a token that may write, "bad-name" for a name that is taken, "network"
 * @throws MissingPackageError when `@huggingface/hub` is not installed
 * @example await pushModel("me/meters", [{ name: "config.json", content: { file: "model/config.json" } }], { private: true });
 */
export async function pushModel(
  name: string,
  files: readonly PushedFile[],
  { private: hidden, update = false, title, signal, ...given }: PushOptions = {},
): Promise<Pushed> {
  const { repo, revision: branch } = parseModelName(name);
  const { endpoint, token } = await readSettings(given);
  if (!token)
    throw new HubError(
      "unauthorized",
      `Pushing needs a token that may write: make one at ${endpoint}/settings/tokens and set HF_TOKEN.`,
    );
  needPackage("Pushing a model", "@huggingface/hub");
  const hub = await import("@huggingface/hub");
  const common = { repo: { type: "model" as const, name: repo }, accessToken: token, hubUrl: endpoint };
  const taken = (what: string) =>
    new HubError("bad-name", `${what} exists already; add a commit to it with --update, or choose another name.`);
  /** Makes something that may be there already. @returns whether it was */
  const make = async (what: string, work: () => Promise<unknown>): Promise<boolean> => {
    try {
      signal?.throwIfAborted();
      await work();
      return false;
    } catch (error) {
      if ((error as { statusCode?: number }).statusCode !== 409) throw explain(error, repo, endpoint);
      if (!update) throw taken(what);
      return true;
    }
  };
  const visibility = hidden === undefined ? undefined : hidden ? ("private" as const) : ("public" as const);
  const onBranch = branch !== "main";
  // A branch is new even where the repository is not.
  if (onBranch && (await hub.repoExists(common).catch((error) => Promise.reject(explain(error, repo, endpoint)))))
    await make(`${repo}@${branch}`, () => hub.createBranch({ ...common, branch }));
  else {
    await make(repo, () => hub.createRepo({ ...common, visibility }));
    if (onBranch) await make(`${repo}@${branch}`, () => hub.createBranch({ ...common, branch }));
  }
  try {
    const done = await hub.uploadFiles({
      ...common,
      branch,
      commitTitle: title ?? "Upload with flashvl",
      abortSignal: signal,
      files: files.map(({ name: path, content }) => ({
        path,
        content: "file" in content ? pathToFileURL(content.file) : new Blob([content.text]),
      })),
    });
    return { url: `${endpoint}/${repo}${onBranch ? `/tree/${branch}` : ""}`, commit: done!.commit.oid };
  } catch (error) {
    signal?.throwIfAborted();
    throw explain(error, repo, endpoint);
  }
}
