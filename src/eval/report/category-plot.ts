/** @file A bar per category as an SVG picture. */

/** More bars than fit a page are left out. */
const MAX_BARS = 60;
const [LABELS, BARS, VALUES] = [270, 420, 40]; // widths
const [TITLE, ROW, AXIS] = [34, 18, 40]; // heights
/** Characters of a label that fit its width. */
const MAX_LABEL = 42;

const escapeXml = (text: string): string => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
const shorten = (text: string): string => (text.length > MAX_LABEL ? `${text.slice(0, MAX_LABEL - 1)}…` : text);

/**
 * @param categories percent per category
 * @returns an SVG document
 * @example categoryPlot("MMStar", [{ name: "math", value: 31, count: 250 }])
 */
export function categoryPlot(
  title: string,
  categories: readonly { name: string; value: number; count: number }[],
): string {
  const shown = categories.slice(0, MAX_BARS);
  const [width, bottom] = [LABELS + BARS + VALUES, TITLE + shown.length * ROW];
  const x = (percent: number): string => (LABELS + (BARS * percent) / 100).toFixed(1);
  const grid = [0, 20, 40, 60, 80, 100].map(
    (percent) =>
      `<line x1="${x(percent)}" x2="${x(percent)}" y1="${TITLE}" y2="${bottom}" stroke="#ddd"/>` +
      `<text x="${x(percent)}" y="${bottom + 14}" text-anchor="middle">${percent}</text>`,
  );
  const bars = shown.map(({ name, value, count }, i) => {
    const [top, middle] = [TITLE + i * ROW, TITLE + i * ROW + ROW / 2 + 4];
    return (
      `<text x="${LABELS - 6}" y="${middle}" text-anchor="end">${escapeXml(shorten(`${name} (${count})`))}</text>` +
      `<rect x="${LABELS}" y="${top + 2}" width="${((BARS * value) / 100).toFixed(1)}" height="${ROW - 4}" fill="#4c78a8"/>` +
      `<text x="${Number(x(value)) + 4}" y="${middle}">${value.toFixed(1)}</text>`
    );
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${bottom + AXIS}" viewBox="0 0 ${width} ${bottom + AXIS}" font-family="sans-serif" font-size="11" fill="#333">`,
    `<rect width="100%" height="100%" fill="white"/>`,
    `<text x="${LABELS}" y="20" font-size="14" font-weight="600">${escapeXml(title)}</text>`,
    ...grid,
    ...bars,
    `<text x="${LABELS + BARS / 2}" y="${bottom + 32}" text-anchor="middle">% right</text>`,
    "</svg>",
  ].join("\n");
}
