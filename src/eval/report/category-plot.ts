/** @file A bar per category as an SVG picture. */
import { parse, View } from "vega";
import { compile, type TopLevelSpec } from "vega-lite";

/** More bars than fit a page are left out. */
const MAX_BARS = 60;

/**
 * @param categories percent per category
 * @returns an SVG document
 * @example await categoryPlot("MMStar", [{ name: "math", value: 31, count: 250 }])
 */
export async function categoryPlot(
  title: string,
  categories: readonly { name: string; value: number; count: number }[],
): Promise<string> {
  const values = categories.slice(0, MAX_BARS).map(({ name, value, count }) => ({ name: `${name} (${count})`, value }));
  const spec: TopLevelSpec = {
    $schema: "https://vega.github.io/schema/vega-lite/v5.json",
    title,
    width: 420,
    height: { step: 18 },
    background: "white",
    data: { values },
    layer: [
      { mark: { type: "bar", color: "#4c78a8" } },
      {
        mark: { type: "text", align: "left", dx: 4, fontSize: 10 },
        encoding: { text: { field: "value", type: "quantitative", format: ".1f" } },
      },
    ],
    encoding: {
      y: { field: "name", type: "nominal", sort: null, title: null, axis: { labelLimit: 260 } },
      x: { field: "value", type: "quantitative", scale: { domain: [0, 100] }, title: "% right" },
    },
  };
  const view = new View(parse(compile(spec).spec), { renderer: "none" });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}
