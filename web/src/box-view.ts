/** @file Places that an answer names, drawn on the picture. */
import type { Place } from "./boxes.ts";
import { h } from "./dom.ts";
import { pictureView } from "./pictures.ts";
import { t } from "./words.ts";

const SVG = "http://www.w3.org/2000/svg";

/**
 * The picture with the places on it. What they are is in the answer's text; for screen readers the figure lists them.
 *
 * @example body.append(boxView(picture, readPlaces(answer).places));
 */
export function boxView(picture: Blob, places: readonly Place[]): HTMLElement {
  const listed = places.map(({ mark, name, left, top, width, height }) => {
    const numbers = width > 0 ? [left, top, left + width, top + height] : [left, top];
    return `${mark} ${name} (${numbers.join(", ")})`;
  });
  const layer = element("svg", { viewBox: "0 0 1000 1000", preserveAspectRatio: "none", "aria-hidden": "true" });
  const marks: HTMLElement[] = [];
  for (const { mark, left, top, width, height } of places) {
    if (width > 0)
      for (const line of ["under", "over"])
        layer.append(element("rect", { x: left, y: top, width, height, class: line }));
    const label = h("span", { class: width > 0 ? "mark" : "mark point", "aria-hidden": "true" }, mark);
    // By script, since the page's policy allows no styles inside of elements.
    label.style.left = `${left / 10}%`;
    label.style.top = `${top / 10}%`;
    marks.push(label);
  }
  return h(
    "figure",
    { class: "boxes" },
    h("div", { class: "frame" }, pictureView(picture, t("boxes", listed.join("; "))), layer, ...marks),
  );
}

function element(tag: string, attributes: Record<string, string | number>): SVGElement {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  return made;
}
