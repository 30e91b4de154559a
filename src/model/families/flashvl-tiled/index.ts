/** @file FlashVL static's tower and adapter over tiles, stitched or not: the family of small dynamic models that are trained from a static one. */

import { adapter } from "../../connectors/adapter.ts";
import type { Connector } from "../../connectors/connector.ts";
import { stitchedAdapter } from "../../connectors/stitched-adapter.ts";
import type { Family } from "../../family.ts";
import { tiledPlan } from "../../pictures/tiles.ts";
import { flashvlStatic } from "../flashvl-static/index.ts";
import { stitchedPlan } from "../stitching.ts";

/** With stitching or without. */
const connector: Connector = {
  tensors: (config) => (config.connector.stitching ? stitchedAdapter : adapter).tensors(config),
  build: (p, config, x) => (config.connector.stitching ? stitchedAdapter : adapter).build(p, config, x),
};

export const flashvlTiled: Family = {
  ...flashvlStatic,
  name: "flashvl-tiled",
  modelType: "FlashVLTiledConfig",
  plan(config, size, limits) {
    if (config.connector.stitching) return stitchedPlan(config, size, limits);
    const { imageSize, patchSize } = config.vision;
    const side = imageSize / patchSize / 2;
    const grid = { columns: side, rows: side, order: config.connector.tokenOrder };
    return tiledPlan(size, { core: imageSize, frame: 0, grid }, config.tiles!, limits);
  },
  preprocessing: (config) => ({ ...flashvlStatic.preprocessing(config), tiled: true }),
  connector,
};
