/** @file The processor's door for Node: pictures to pixels, messages to token ids, token ids to text. */
export * from "./core.ts";
export { loadDecoder } from "./node/decode-image.ts";
export { type FetchImageOptions, fetchImage, MAX_REDIRECTS, REMOTE_TIMEOUT_MS } from "./node/fetch-image.ts";
export { hashImage } from "./node/hash-image.ts";
export { type LoadImageOptions, loadImage, openImage } from "./node/load-image.ts";
export { hashPicture, makePicturePixels } from "./node/picture-threads.ts";
