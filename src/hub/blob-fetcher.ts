/** @file Fetches the bytes of one file that are not on disk yet: in parallel ranges, or whole where a server knows no ranges. */
import { runPool, type Semaphore } from "../common/index.ts";
import { etagOf, type Located } from "./hub-api.ts";
import { bodyOf, discard, type Hub, send, TemporaryError } from "./hub-http.ts";
import { refuseFailure } from "./hub-status.ts";
import type { PartialFile, Range } from "./partial-file.ts";
import { retry } from "./retry.ts";

/** What fetching one file needs to know. */
export interface BlobJob {
  /** org/name/path, for messages. */
  what: string;
  /** Asks the hub where the file is now; signed addresses of a store expire. */
  locate(): Promise<Located>;
  /** Told how many bytes more (or, when something has to be fetched again, less) are there. */
  onBytes(change: number): void;
}

/** The hub's file is no longer the one that the download began with. */
export class ChangedError extends Error {
  override readonly name = "ChangedError";
}

/** The server sends whole files only. */
class NoRangesError extends Error {
  override readonly name = "NoRangesError";
}

/** Progress is written to the log this often: a kill costs at most so much per connection. */
const RECORD_BYTES = 2 ** 20;
/** What stores answer when a signed address has run out. */
const EXPIRED = [400, 401, 403, 404, 410];

/** One file on its way from `located` to `partial`. */
export class BlobFetcher {
  private ranges = true;

  constructor(
    private readonly hub: Hub,
    private readonly connections: Semaphore,
    private readonly job: BlobJob,
    private located: Located,
    private readonly partial: PartialFile,
  ) {}

  /** Fetches everything that is missing. */
  async fill(): Promise<void> {
    if (this.ranges) {
      try {
        return await this.fillRanges();
      } catch (error) {
        if (!(error instanceof NoRangesError)) throw error;
        this.ranges = false;
      }
    }
    await this.connections.use(() => retry(this.hub, this.job.what, () => this.fetchWhole()));
  }

  async forget(): Promise<void> {
    this.job.onBytes(-this.partial.bytes);
    await this.partial.reset();
  }

  private async fillRanges(): Promise<void> {
    const { partBytes } = this.hub.system;
    const [first, ...rest] = this.partial.missing(partBytes);
    if (!first) return;
    // The first range shows whether this server serves ranges, before eight connections ask it.
    await this.fetchRange(this.hub, first);
    await runPool(rest.length, rest.length, this.hub.signal, (i, signal) =>
      this.fetchRange({ ...this.hub, signal }, rest[i]!),
    );
  }

  private async fetchRange(hub: Hub, range: Range): Promise<void> {
    const left = { ...range };
    await this.connections.use(() =>
      retry(hub, this.job.what, async () => {
        const before = left.start;
        try {
          await this.fetchSome(hub, left);
        } catch (error) {
          if (error instanceof TemporaryError && left.start > before) error.progressed = true;
          throw error;
        }
      }),
    );
  }

  /** One request for a range; moves `left.start` as bytes arrive. */
  private async fetchSome(hub: Hub, left: Range): Promise<void> {
    const whole = left.start === 0 && left.end === this.located.size;
    const headers: Record<string, string> = whole ? {} : { range: `bytes=${left.start}-${left.end - 1}` };
    const response = await this.request(hub, headers);
    if (response.status === 206) await this.checkContentRange(response, left);
    else if (!whole) {
      await discard(response);
      throw new NoRangesError();
    }
    await this.receive(hub, response, left);
  }

  /** For servers without ranges: the file from its first byte, again after every cut. */
  private async fetchWhole(): Promise<void> {
    await this.forget();
    const response = await this.request(this.hub, {});
    await this.receive(this.hub, response, { start: 0, end: this.located.size });
  }

  private async request(hub: Hub, headers: Record<string, string>): Promise<Response> {
    const response = await send(hub, this.located.url, { headers });
    const fromHub = new URL(response.url).origin === new URL(hub.endpoint).origin;
    if (!fromHub && EXPIRED.includes(response.status)) {
      // A store's signed address has run out: ask the hub for a new one.
      await discard(response);
      const now = await this.job.locate();
      if (now.etag !== this.located.etag) throw new ChangedError(`etag ${this.located.etag} became ${now.etag}`);
      this.located = now;
      throw new TemporaryError(`${new URL(response.url).host} answered ${response.status}`);
    }
    if (response.status === 416) {
      await discard(response);
      throw new ChangedError("the file has become shorter");
    }
    await refuseFailure(hub, response, this.job.what);
    if (response.status !== 200 && response.status !== 206) {
      await discard(response);
      throw new TemporaryError(
        `${new URL(response.url).host} answered ${response.status} where 200 or 206 was expected`,
      );
    }
    const etag = fromHub ? etagOf(response) : undefined;
    if (etag !== undefined && etag !== this.located.etag) {
      await discard(response);
      throw new ChangedError(`etag ${this.located.etag} became ${etag}`);
    }
    return response;
  }

  private async checkContentRange(response: Response, asked: Range): Promise<void> {
    const value = response.headers.get("content-range") ?? "";
    const match = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(value);
    if (match && match[3] !== "*" && Number(match[3]) !== this.located.size) {
      await discard(response);
      throw new ChangedError(`its size ${this.located.size} became ${match[3]}`);
    }
    if (!match || Number(match[1]) !== asked.start) {
      await discard(response);
      throw new TemporaryError(
        `asked for bytes ${asked.start}-${asked.end - 1}, the server sent ${JSON.stringify(value)}`,
      );
    }
  }

  /** Writes the body to its place; bytes beyond `left.end` are not wanted, missing ones are an error. */
  private async receive(hub: Hub, response: Response, left: Range): Promise<void> {
    let recorded = left.start;
    try {
      for await (const chunk of bodyOf(hub, response)) {
        const wanted = chunk.subarray(0, left.end - left.start);
        await this.partial.write(wanted, left.start);
        left.start += wanted.length;
        this.job.onBytes(wanted.length);
        if (left.start - recorded >= RECORD_BYTES) {
          await this.partial.record({ start: recorded, end: left.start });
          recorded = left.start;
        }
        if (left.start === left.end) break;
      }
    } finally {
      await this.partial.record({ start: recorded, end: left.start });
    }
    if (left.start < left.end) throw new TemporaryError(`the answer ended ${left.end - left.start} bytes early`);
  }
}
