/** @file Finds a Chromium to run page tests in. */
import { existsSync } from "node:fs";
import { chromium } from "playwright-core";

const PLACES = [
  process.env.CHROME_PATH,
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/** Path of an installed browser, or undefined: no test may download one. */
export function findBrowser(): string | undefined {
  return [...PLACES, chromium.executablePath()].find((path) => path !== undefined && path !== "" && existsSync(path));
}
