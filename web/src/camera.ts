/** @file Takes a photo with the device's camera. */
import { h } from "./dom.ts";
import { t } from "./words.ts";

/**
 * Opens the camera in a dialog; resolves with the photo, or with undefined when the reader closes the dialog.
 * Throws the browser's error where there is no camera or no permission.
 *
 * @example const photo = await takePhoto();
 */
export async function takePhoto(): Promise<Blob | undefined> {
  const stream = await navigator.mediaDevices.getUserMedia({
    video: { facingMode: "environment", width: { ideal: 1920 } },
  });
  const video = h("video", { autoplay: true, playsinline: true, muted: true });
  video.srcObject = stream;
  const shoot = h("button", { type: "button", class: "primary" }, t("shoot"));
  const close = h("button", { type: "button" }, t("close"));
  const dialog = h(
    "dialog",
    { class: "camera", "aria-label": t("camera") },
    video,
    h("div", { class: "row" }, shoot, close),
  );
  document.body.append(dialog);
  dialog.showModal();
  try {
    return await new Promise<Blob | undefined>((resolve) => {
      dialog.addEventListener("close", () => resolve(undefined));
      close.addEventListener("click", () => dialog.close());
      shoot.addEventListener("click", async () => {
        const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
        canvas.getContext("2d")!.drawImage(video, 0, 0);
        resolve(await canvas.convertToBlob({ type: "image/jpeg", quality: 0.92 }));
      });
    });
  } finally {
    for (const track of stream.getTracks()) track.stop();
    dialog.remove();
  }
}
