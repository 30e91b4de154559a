import { expect, it } from "vitest";
import { categoryPlot } from "./category-plot.ts";

it("a bar is as long as its value, and names are text", () => {
  const svg = categoryPlot("A <set>", [
    { name: "math", value: 25, count: 4 },
    { name: "all & <b>", value: 100, count: 12 },
  ]);
  expect([...svg.matchAll(/<rect x="270" y="\d+" width="([\d.]+)"/g)].map(([, width]) => width)).toEqual([
    "105.0",
    "420.0",
  ]);
  expect(svg).toContain("all &#38; &#60;b&#62; (12)");
  expect(svg).toContain(">25.0</text>");
  expect(svg).not.toContain("<set>");
});

it("no more than sixty bars are drawn", () => {
  const many = Array.from({ length: 100 }, (_, i) => ({ name: `c${i}`, value: i, count: 1 }));
  expect(categoryPlot("Many", many).match(/<rect x=/g)).toHaveLength(60);
});
