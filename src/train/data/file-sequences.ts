/** @file Training samples from a file of conversations: shuffled anew each epoch, too long rows left out, bad rows named. */

import { parseConversation } from "./parse-conversation.ts";
import { PictureCache, type PlannedPixels } from "./picture-cache.ts";
import { encodePlanned, type SampleContext } from "./sample-context.ts";
import { type Sequence, toSequence, windowsOf } from "./sequence.ts";
import { type DroppedRow, later, ShuffledRows, type ShuffledRowsOptions, TooLong } from "./shuffled-rows.ts";

export interface FileSequencesOptions extends ShuffledRowsOptions {
  /** What rows without a question ask. */
  readonly question?: string;
  /** Largest sample: tokens with pictures, pictures, trained tokens; and the key of the recipe that says how many tokens. */
  readonly limits: SampleLimits;
  readonly lengthKey?: string;
  /** What happens to a sample beyond the limits: it is left out (the default), its end is cut off, or it stops the run. */
  readonly onTooLong?: TooLongRows;
}

export interface SampleLimits {
  readonly length: number;
  readonly images: number;
  readonly labels: number;
}

export type TooLongRows = "leave-out" | "cut" | "stop";

/** What a sample takes of a batch. */
export interface SampleSize {
  readonly tokens: number;
  /** Windows of pictures. */
  readonly images: number;
  readonly labels: number;
}

/** Takes the place in the stream of a row that is left out. */
const NOTHING: Sequence = { ids: [], positions: [], branches: [], targets: [], pictures: [] };

/** A file of conversations, open. */
export class ConversationFile {
  readonly #rows: ShuffledRows<Sequence>;
  readonly #limits: { now: SampleLimits };
  readonly #sizeOf: (row: unknown, folder: string) => Promise<SampleSize>;

  private constructor(
    rows: ShuffledRows<Sequence>,
    sizeOf: (row: unknown, folder: string) => Promise<SampleSize>,
    limits: { now: SampleLimits },
  ) {
    this.#rows = rows;
    this.#sizeOf = sizeOf;
    this.#limits = limits;
  }

  /** @throws Error when the file cannot be read or has no rows */
  static async open(context: SampleContext, options: FileSequencesOptions): Promise<ConversationFile> {
    const pictures = new PictureCache(context);
    const limits = { now: options.limits };
    const rows = await ShuffledRows.open(options, async (row, folder, place): Promise<Sequence> => {
      const planned = await planSample(row, folder, context, options.question, pictures);
      return fitted(planned, { ...options, limits: limits.now }, place);
    });
    const sizes = async (row: unknown, folder: string): Promise<SampleSize> => {
      const { sequence, windows } = await planSample(row, folder, context, options.question, pictures);
      const images = windowsOf({ pictures: [], windows });
      return { tokens: sequence.ids.length, images, labels: sequence.targets.length };
    };
    return new ConversationFile(rows, sizes, limits);
  }

  /** Rows of the file. */
  get rows(): number {
    return this.#rows.rows;
  }

  /** Rows that are used per epoch. */
  get length(): number {
    return this.#rows.length;
  }

  /** Rows left out so far. */
  get dropped(): readonly DroppedRow[] {
    return this.#rows.dropped;
  }

  /** What at most `most` rows take of a batch, whatever the limits. Only headers of pictures are read. */
  sizes(most: number): Promise<SampleSize[]> {
    return this.#rows.some(most, this.#sizeOf);
  }

  /** Sets the limits of samples that are read from now on. */
  limitTo(limits: SampleLimits): void {
    this.#limits.now = limits;
  }

  close(): Promise<void> {
    return this.#rows.close();
  }

  /** Row `index` as a sample, or undefined where it is left out. @throws BadRowError where bad rows stop the run */
  sample(index: number): Promise<Sequence | undefined> {
    return this.#rows.item(index);
  }

  /**
   * Samples from number `start` on, without end; a row that is left out gives a sample without tokens.
   * @throws BadRowError naming file and line; Error when an epoch has nothing to train on
   */
  async *sequences(start: number): AsyncGenerator<Sequence> {
    for await (const sample of this.#rows.items(start)) yield sample ?? NOTHING;
  }
}

interface PlannedSample {
  readonly sequence: Sequence;
  readonly planned: readonly PlannedPixels[];
  readonly windows: readonly number[];
}

/** @throws Error for a row that is no conversation */
async function planSample(
  row: unknown,
  folder: string,
  context: SampleContext,
  question: string | undefined,
  pictures: PictureCache,
): Promise<PlannedSample> {
  const messages = parseConversation(row, { folder, question });
  const { planned, ...encoded } = await encodePlanned(context, messages, pictures);
  return { sequence: toSequence([encoded], []), planned, windows: planned.map(({ plan }) => plan.windows) };
}

/** Why a sample does not fit, with the key to change; undefined where it does. */
function beyond({ sequence, planned, windows }: PlannedSample, options: FileSequencesOptions): string | undefined {
  const { limits, lengthKey = "batch.length" } = options;
  const images = windowsOf({ pictures: [], windows });
  if (images > limits.images)
    return `${planned.length === images ? "" : `${planned.length} pictures of `}${images} ${planned.length === images ? "pictures" : "tiles"}, more than ${limits.images}; raise batch.images`;
  const { length } = sequence.ids;
  if (length > limits.length) {
    const sizes = [...new Set(planned.map(({ plan }) => plan.tokens))].join(", ") || 0;
    return `${length} tokens (${planned.length} pictures of ${sizes}), more than ${limits.length}; raise ${lengthKey}, or set onTooLong: cut`;
  }
  const trained = sequence.targets.length;
  if (trained > limits.labels)
    return `the answers have ${trained} tokens, more than ${limits.labels}; raise batch.labels, or set onTooLong: cut`;
  return undefined;
}

/** The beginning of a sample that fits; undefined where no trained token would be left, or a picture would be cut. */
function cutSample({ sequence, windows }: PlannedSample, limits: SampleLimits): Sequence | undefined {
  const targets = sequence.targets.slice(0, limits.labels);
  // The token that follows the last target belongs to the sample no more.
  const length = Math.min(
    limits.length,
    targets.length < sequence.targets.length ? targets.at(-1)![0] + 2 : limits.length,
  );
  const kept = targets.filter(([before]) => before + 1 < length);
  const whole = sequence.ids.slice(length).every((id) => id >= 0);
  if (kept.length === 0 || !whole || windowsOf({ pictures: [], windows }) > limits.images) return undefined;
  const [ids, positions, branches] = [sequence.ids, sequence.positions, sequence.branches].map((all) =>
    all.slice(0, length),
  );
  return { ids: ids!, positions: positions!, branches: branches!, targets: kept, pictures: [] };
}

/** The sample with its pictures. @throws TooLong for one beyond the limits; Error where such ones stop the run */
async function fitted(sample: PlannedSample, options: FileSequencesOptions, place: string): Promise<Sequence> {
  const reason = beyond(sample, options);
  const sequence =
    reason === undefined
      ? sample.sequence
      : options.onTooLong === "cut"
        ? cutSample(sample, options.limits)
        : undefined;
  if (!sequence) throw options.onTooLong === "stop" ? new Error(reason) : new TooLong(reason);
  const { windows, planned } = sample;
  const make = () => Promise.all(planned.map((picture) => picture.pixels()));
  if (options.lazy && options.onBadRow === "stop" && planned.length > 0)
    return { ...sequence, windows, pictures: [], load: () => later(make(), place) };
  return { ...sequence, windows, pictures: await make() };
}
