/** @file Places for weights in one file beside the graphs that share it. */

import { bytesPerElement } from "./dtype.ts";
import { sourceName } from "./ops/source.ts";
import { elementCount, sameShape, showShape } from "./shape.ts";
import type { Value } from "./value.ts";

/** Weights start at multiples of a page, so that ORT can map them instead of copying (Windows maps at 64 KiB). */
const PAGE = 4096;
const ALLOCATION_GRANULARITY = 65536;

export interface WeightPlace {
  readonly weight: Value;
  readonly offset: number;
  readonly bytes: number;
}

/** Hands out aligned places in the file `location`; a weight that several graphs use gets one place. */
export class ExternalData {
  readonly location: string;
  readonly places = new Map<string, WeightPlace>();
  #end = 0;

  /** @param location file name relative to the graphs' folder */
  constructor(location: string) {
    this.location = location;
  }

  /** Size of the file once all weights are written. */
  get bytes(): number {
    return this.#end;
  }

  /** @throws Error when the name was placed before with another type: two graphs disagree about one weight */
  place(weight: Value): WeightPlace {
    const name = sourceName(weight);
    const known = this.places.get(name);
    if (known) {
      const a = known.weight;
      if (a.dtype !== weight.dtype || !sameShape(a.shape, weight.shape))
        throw new Error(
          `Weight "${name}" is used as ${a.dtype}${showShape(a.shape)} and as ${weight.dtype}${showShape(weight.shape)}; give each form a name of its own.`,
        );
      return known;
    }
    const bytes = elementCount(weight.shape) * bytesPerElement(weight.dtype);
    const align = bytes >= ALLOCATION_GRANULARITY ? ALLOCATION_GRANULARITY : PAGE;
    const offset = Math.ceil(this.#end / align) * align;
    this.#end = offset + bytes;
    const place = { weight, offset, bytes };
    this.places.set(name, place);
    return place;
  }
}
