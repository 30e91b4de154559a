/** @file Bar charts as SVG, for a page that is whole in itself. */

export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

/** A bar; `part` of it is drawn darker. */
export interface Bar {
  readonly label: string;
  readonly value: number;
  readonly part?: number;
}

const [WIDTH, ROW, LABEL, NUMBER] = [560, 20, 150, 110];

/** @example bars("Turns", [{ label: "2", value: 90 }, { label: "4", value: 10 }]) */
export function bars(title: string, all: readonly Bar[]): string {
  const most = Math.max(1, ...all.map(({ value }) => value));
  const scale = (value: number) => ((value / most) * (WIDTH - LABEL - NUMBER)).toFixed(1);
  const shown = (value: number) => value.toLocaleString("en", { maximumFractionDigits: 1 });
  const rows = all.map(({ label, value, part }, i) => {
    const y = 30 + i * ROW;
    const name = escapeHtml(label.length > 22 ? `${label.slice(0, 21)}…` : label);
    const text = part === undefined ? shown(value) : `${shown(value)} (${shown(part)})`;
    return (
      `<text x="${LABEL - 6}" y="${y + 13}" text-anchor="end">${name}</text>` +
      `<rect x="${LABEL}" y="${y + 2}" width="${scale(value)}" height="${ROW - 5}" fill="#8fbcdb"/>` +
      (part === undefined
        ? ""
        : `<rect x="${LABEL}" y="${y + 2}" width="${scale(part)}" height="${ROW - 5}" fill="#0072b2"/>`) +
      `<text x="${(LABEL + Number(scale(value)) + 6).toFixed(1)}" y="${y + 13}">${text}</text>`
    );
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${36 + all.length * ROW}" role="img" aria-label="${escapeHtml(title)}" font-family="system-ui, sans-serif" font-size="12" fill="#333"><text x="0" y="18" font-size="14" font-weight="600">${escapeHtml(title)}</text>${rows.join("")}</svg>`;
}
