/** @file The package's door for pages, on the page's global object, where tests reach it. */
import * as web from "../../../src/browser/index.ts";

Object.assign(globalThis, { web });
