/** @file Features of pictures are kept while they are true: what a change of weights makes false is found nowhere. */
import { describe, expect, it } from "vitest";
import type { ModelConfig } from "../../model/index.ts";
import { picturePlan, square } from "../../processor/core.ts";
import type { Session, Tensor } from "../../runtime/index.ts";
import { VisionEncoder } from "./vision-encoder.ts";

const HIDDEN = 2;
/** One window of 2 × 2 pixels, which becomes one token. */
const plan = picturePlan([square(2)], { rows: 1, columns: 1, order: "row-major" });
const ONE_PICTURE = HIDDEN * Float32Array.BYTES_PER_ELEMENT;

/** A tower whose features are its pixels' first number and its weight. */
class FakeTower {
  weight = 1;
  runs = 0;
  hold: Promise<void> = Promise.resolve();
  #pixels!: Tensor;
  #features!: Tensor;
  bindInput = (_: string, tensor: Tensor) => {
    this.#pixels = tensor;
  };
  bindOutput = (_: string, tensor: Tensor) => {
    this.#features = tensor;
  };
  async run(): Promise<void> {
    this.runs++;
    await this.hold;
    (this.#features.data as Float32Array).set([(this.#pixels.data as Float32Array)[0]!, this.weight]);
  }
}

function setUp(cacheBytes = 10 * ONE_PICTURE) {
  const tower = new FakeTower();
  const config = { decoder: { hiddenSize: HIDDEN } } as ModelConfig;
  const encoder = new VisionEncoder(config, tower as unknown as Session, cacheBytes);
  const pixels = (value: number) => new Float32Array(12).fill(value);
  const encode = async (value: number, ready: Promise<unknown> = Promise.resolve()) => {
    const { key, features } = await encoder.encode(`picture ${value}`, plan, () => ready.then(() => pixels(value)));
    return { key, features: [...features] };
  };
  const change = () =>
    encoder.changeWeights(() => {
      tower.weight++;
    });
  return { tower, encoder, encode, change };
}

function gate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

describe("pictures", () => {
  it("are computed once, also when they are asked for at the same time", async () => {
    const { tower, encoder, encode } = setUp();
    const [one, same] = await Promise.all([encode(5), encode(5)]);
    expect([one, same, await encode(5)]).toEqual([one, one, one]);
    expect(one.features).toEqual([5, 1]);
    expect([tower.runs, encoder.stats]).toEqual([1, { queries: 3, hits: 2 }]);
  });

  it("that fail are computed anew when they are asked for again", async () => {
    const { tower, encode } = setUp();
    tower.hold = Promise.reject(new Error("no memory"));
    await expect(encode(5)).rejects.toThrow("no memory");
    tower.hold = Promise.resolve();
    expect((await encode(5)).features).toEqual([5, 1]);
  });
});

describe("a change of weights", () => {
  it("waits for the run in progress; its features answer for nobody afterwards, nor does their name", async () => {
    const { tower, encode, change } = setUp();
    const { opened, open } = gate();
    tower.hold = opened;
    const before = encode(5);
    while (tower.runs === 0) await Promise.resolve();
    const changed = change();
    open();
    expect((await before).features).toEqual([5, 1]);
    await changed;
    const after = await encode(5);
    expect(after.features).toEqual([5, 2]);
    expect(after.key).not.toBe((await before).key);
  });

  it("drops what a request prepared before it and ran after it, which would only take up room", async () => {
    const { tower, encode, change } = setUp(ONE_PICTURE);
    const { opened, open } = gate();
    const late = encode(5, opened);
    await change();
    const other = await encode(6);
    open();
    await late;
    expect(await encode(6)).toEqual(other);
    expect(tower.runs).toBe(2);
  });
});
