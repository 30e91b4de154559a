/** @file Builds DOM elements without a framework. */

/** Attributes and listeners: `on…` names are listeners, `true` sets an attribute, `false` and undefined leave it out. */
type Attributes = Record<string, string | number | boolean | undefined | ((event: never) => void)>;

/**
 * An element with attributes and children; strings become text, never HTML.
 *
 * @example const button = h("button", { type: "button", onclick: send }, "Send");
 */
export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: (Node | string | undefined)[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value as EventListener);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined) element.setAttribute(name, String(value));
  }
  element.append(...children.filter((child) => child !== undefined));
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

/**
 * A line icon; decoration only, so screen readers skip it.
 *
 * @param path an SVG path in a 24 × 24 box
 */
export function icon(path: string): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(SVG, "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}

/** Paths of the page's icons. */
export const ICONS = {
  attach: "M4 16l5-5 4 4 3-3 4 4M4 5h16v14H4zM9 9h.01",
  camera: "M4 8h4l2-3h4l2 3h4v11H4zM12 10a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7",
  send: "M5 12l14-7-5 14-3-6z",
  stop: "M7 7h10v10H7z",
  settings: "M4 7h10M18 7h2M4 17h2M10 17h10M14 4v6M6 14v6",
  list: "M4 6h16M4 12h16M4 18h16",
  add: "M12 5v14M5 12h14",
  close: "M6 6l12 12M18 6L6 18",
  copy: "M9 9h10v11H9zM5 15V4h10",
  again: "M19 8a8 8 0 1 0 1 6M20 4v5h-5",
  eye: "M3 12s3-6 9-6 9 6 9 6-3 6-9 6-9-6-9-6zM12 9.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5",
  bin: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
  edit: "M4 20h4L19 9l-4-4L4 16zM13 7l4 4",
  save: "M12 4v11M7 11l5 5 5-5M5 20h14",
  code: "M8 7l-5 5 5 5M16 7l5 5-5 5",
} as const;
