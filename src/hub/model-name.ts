/** @file Reads `org/name[@revision]`. */
import { HubError } from "./errors.ts";

/** A model on the hub. */
export interface ModelName {
  /** "org/name" */
  repo: string;
  /** A branch, tag, pull request (`refs/pr/1`) or commit. */
  revision: string;
}

/** As huggingface_hub's validate_repo_id: letters, digits, `-`, `_`, `.`; at most 96 characters a part. */
const PART = /^[A-Za-z0-9_](?:[\w.-]{0,94}[A-Za-z0-9_])?$/;
const REVISION = /^[\w][\w./+-]{0,254}$/;

/**
 * Splits and checks a model name. Both parts become folder names, so nothing that could leave the cache passes.
 *
 * @throws HubError "bad-name"
 * @example parseModelName("FlashVL/FlashVL-2B-Static@main") // { repo: "FlashVL/FlashVL-2B-Static", revision: "main" }
 */
export function parseModelName(name: string): ModelName {
  const at = name.indexOf("@");
  const repo = at < 0 ? name : name.slice(0, at);
  const revision = at < 0 ? "main" : name.slice(at + 1);
  const parts = repo.split("/");
  const good =
    parts.length === 2 && parts.every((part) => PART.test(part) && !part.includes("--") && !part.includes(".."));
  if (!good)
    throw new HubError(
      "bad-name",
      `${JSON.stringify(name)} is neither an existing folder nor a model name such as "org/name" or "org/name@revision"`,
    );
  if (!REVISION.test(revision) || revision.split("/").some((part) => part === "" || /^\.+$/.test(part)))
    throw new HubError(
      "bad-name",
      `${JSON.stringify(revision)} is not a revision, expected a branch, tag or commit after the @ of ${repo}`,
    );
  return { repo, revision };
}
