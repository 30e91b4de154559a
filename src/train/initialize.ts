/** @file Fills a parameter store with the values that a new model starts from. */

import type { Random } from "../common/index.ts";
import { initialValue } from "../model/index.ts";
import type { Parameter, ParameterStore } from "./parameter-store.ts";

/** Gives the named parameters (all by default) their initial values, in the store's order. */
export function initialize(store: ParameterStore, random: Random, which: (p: Parameter) => boolean = () => true): void {
  for (const parameter of store.parameters) {
    if (!which(parameter)) continue;
    const data = store.get(parameter.name);
    const initial = initialValue(parameter);
    if ("constant" in initial) data.fill(initial.constant);
    else for (let i = 0; i < data.length; i++) data[i] = initial.std * random.normal();
  }
}
