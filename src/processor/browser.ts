/** @file The processor's door for browsers: the same functions as the door for Node, without files and downloads' guard. */
export { hashImage, type LoadImageOptions, loadImage, openImage } from "./browser/load-image.ts";
export * from "./core.ts";
