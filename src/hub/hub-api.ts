/** @file The two questions asked of a hub: which files does a revision have, and where and what is one of them. */
import { z } from "zod";
import { HubError } from "./errors.ts";
import { discard, type Hub, send } from "./hub-http.ts";
import { refuseFailure } from "./hub-status.ts";
import { retry } from "./retry.ts";

/** A file as a revision's listing describes it; mirrors may leave out size and etag. */
export interface RemoteFile {
  path: string;
  size: number | undefined;
  /** Names the content: SHA-256 of a large file, git blob SHA-1 of a small one. */
  etag: string | undefined;
}

/** Where a file's bytes can be fetched, and what they are. */
export interface Located {
  url: string;
  etag: string;
  size: number;
}

const SIZE = z.number().int().nonnegative();
const LISTING = z.object({
  sha: z.string().regex(/^[0-9a-f]{40}$/),
  siblings: z.array(
    z.object({
      rfilename: z.string(),
      size: SIZE.nullish(),
      blobId: z.string().nullish(),
      lfs: z.object({ sha256: z.string(), size: SIZE }).nullish(),
    }),
  ),
});

/**
 * Asks for the commit and the files of a revision (`GET /api/models/<repo>/revision/<revision>?blobs=true`).
 *
 * @param tries how often trouble with the network is put up with; the usual number if absent
 * @throws HubError
 */
export async function listFiles(
  hub: Hub,
  repo: string,
  revision: string,
  tries?: number,
): Promise<{ commit: string; files: RemoteFile[] }> {
  const url = `${hub.endpoint}/api/models/${repo}/revision/${encodeURIComponent(revision)}?blobs=true`;
  const what = revision === "main" ? repo : `${repo}@${revision}`;
  return retry(
    hub,
    what,
    async () => {
      const response = await send(hub, url);
      await refuseFailure(hub, response, what);
      const parsed = LISTING.safeParse(await response.json().catch(() => undefined));
      if (!parsed.success)
        throw new HubError(
          "network",
          `${url} did not answer as a hub does; is HF_ENDPOINT right? ${z.prettifyError(parsed.error)}`,
        );
      const files = parsed.data.siblings.map(({ rfilename, size, blobId, lfs }) => ({
        path: rfilename,
        size: lfs?.size ?? size ?? undefined,
        etag: asFileName(lfs?.sha256 ?? blobId),
      }));
      return { commit: parsed.data.sha, files };
    },
    tries,
  );
}

/**
 * Asks the hub for one file's address, etag and size without fetching it (HEAD on `/<repo>/resolve/<commit>/<path>`;
 * X-Linked-Etag and X-Linked-Size speak of the content where the answer is a redirect to a store).
 *
 * @throws HubError
 */
export async function locateFile(hub: Hub, repo: string, commit: string, path: string): Promise<Located> {
  const url = `${hub.endpoint}/${repo}/resolve/${commit}/${path.split("/").map(encodeURIComponent).join("/")}`;
  const what = `${repo}/${path}`;
  return retry(hub, what, async () => {
    const response = await send(hub, url, { method: "HEAD", stopAtBorder: true });
    await refuseFailure(hub, response, what);
    await discard(response);
    const etag = etagOf(response);
    const size = response.headers.get("x-linked-size") ?? response.headers.get("content-length");
    if (!etag || size === null || !/^\d{1,15}$/.test(size))
      throw new HubError(
        "network",
        `${url} tells no usable etag or size of the file (found ${JSON.stringify({ etag, size })}); is HF_ENDPOINT right?`,
      );
    const location = response.headers.get("location");
    return { url: location ? new URL(location, response.url).href : response.url, etag, size: Number(size) };
  });
}

/** The etag of an answer in the form that names a blob; undefined where there is none that can name a file. */
export function etagOf(response: Response): string | undefined {
  const raw = response.headers.get("x-linked-etag") ?? response.headers.get("etag");
  return asFileName(raw?.replace(/^W\//, "").replace(/^"|"$/g, ""));
}

/** Lets an etag pass only if it is harmless as a file name. */
function asFileName(etag: string | null | undefined): string | undefined {
  return etag && /^[A-Za-z0-9][\w-]{0,127}$/.test(etag) ? etag : undefined;
}
