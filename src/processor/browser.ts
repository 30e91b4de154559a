/** @file The processor's door for browsers: the same functions as the door for Node, without files and downloads' guard. */
export { type LoadImageOptions, loadImage } from "./browser/load-image.ts";
export * from "./core.ts";
