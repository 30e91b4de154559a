/** @file What an HTTP status of a hub means, as an error that tells the user what to do. */
import { retryAfterMs } from "../common/index.ts";
import { HubError } from "./errors.ts";
import { discard, type Hub, TemporaryError } from "./hub-http.ts";

/**
 * Throws for every status that is not a success, telling gated, private, missing and busy apart as huggingface_hub does
 * (utils/_http.py: X-Error-Code, X-Error-Message).
 *
 * @param what the repository or file, for the message
 * @throws HubError, or TemporaryError for 408, 429 and 5xx
 */
export async function refuseFailure(hub: Hub, response: Response, what: string): Promise<void> {
  if (response.status < 400) return;
  await discard(response);
  throw failureOf(hub, response, what);
}

function failureOf(hub: Hub, response: Response, what: string): Error {
  const { status, headers } = response;
  const code = headers.get("x-error-code");
  const note = headers.get("x-error-message");
  const said = note ? ` The hub says: ${note}` : "";
  const host = new URL(hub.endpoint).host;
  if (status === 408 || status === 429 || status >= 500)
    return new TemporaryError(`${host} answered ${status}${status === 429 ? " (too many requests)" : ""}.${said}`, {
      waitMs: retryAfterMs(headers.get("retry-after")),
    });
  if (code === "GatedRepo")
    return new HubError(
      "gated",
      `${what} is gated: accept its terms on ${hub.endpoint}, then ${hub.token ? "check that HF_TOKEN belongs to that account" : "set HF_TOKEN to a token of that account"}.${said}`,
    );
  if (code === "RevisionNotFound")
    return new HubError("not-found", `${what}: ${host} knows the repository, but not this revision.${said}`);
  if (code === "EntryNotFound") return new HubError("not-found", `${what}: ${host} has no such file.${said}`);
  if (status === 401 && note?.startsWith("Invalid credentials"))
    return new HubError(
      "unauthorized",
      `${host} does not accept the token (HF_TOKEN or the token file): make a new one at ${hub.endpoint}/settings/tokens`,
    );
  if (status === 401 || status === 404 || code === "RepoNotFound")
    // The hub answers 401 for a missing repository too, so as not to tell which private ones exist.
    return new HubError(
      status === 401 && code !== "RepoNotFound" ? "unauthorized" : "not-found",
      `${what} was not found on ${host}, or is private: check the spelling, or ${hub.token ? "check that HF_TOKEN may read it" : "set HF_TOKEN"}.${said}`,
    );
  if (status === 403) return new HubError("unauthorized", `${host} forbids access to ${what}.${said}`);
  return new HubError("network", `${host} answered ${status} for ${what}.${said}`);
}
