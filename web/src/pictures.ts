/** @file Checks pictures that are dropped, pasted or chosen, and shows them. */
import { h } from "./dom.ts";
import { t } from "./words.ts";

/** Formats that the server decodes; the browser may know fewer, then only the preview is missing. */
const ACCEPTED = /^image\/(png|jpeg|webp|gif|avif|bmp|tiff)$/;

/** What `accept` of a file chooser says. */
export const ACCEPT = "image/png,image/jpeg,image/webp,image/gif,image/avif,image/bmp,image/tiff";

/** The accepted pictures of a list of files, and why others were not accepted. */
export async function takePictures(
  files: Iterable<File>,
  maxBytes: number,
): Promise<{ pictures: Blob[]; refusals: string[] }> {
  const pictures: Blob[] = [];
  const refusals: string[] = [];
  for (const file of files) {
    if (!ACCEPTED.test(file.type)) refusals.push(t("notPicture", file.name));
    else if (file.size > maxBytes) {
      const smaller = await shrink(file).catch(() => undefined);
      if (smaller && smaller.size <= maxBytes) pictures.push(smaller);
      else refusals.push(t("tooLarge", file.name, Math.floor(maxBytes / 2 ** 20)));
    } else pictures.push(file);
  }
  return { pictures, refusals };
}

/** Longest side of a picture that had to be shrunk; the model sees 512, so nothing it could see is lost. */
const SHRUNK_SIDE = 2048;

async function shrink(file: Blob): Promise<Blob> {
  const bitmap = await createImageBitmap(file);
  const scale = Math.min(1, SHRUNK_SIDE / Math.max(bitmap.width, bitmap.height));
  const canvas = new OffscreenCanvas(Math.round(bitmap.width * scale), Math.round(bitmap.height * scale));
  canvas.getContext("2d")!.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  return canvas.convertToBlob({ type: "image/jpeg", quality: 0.92 });
}

const addresses = new WeakMap<Blob, string>();

/** An `<img>` of a picture; the address is made once per picture. */
export function pictureView(picture: Blob, alt: string): HTMLImageElement {
  let address = addresses.get(picture);
  if (!address) {
    address = URL.createObjectURL(picture);
    addresses.set(picture, address);
  }
  return h("img", { src: address, alt });
}
