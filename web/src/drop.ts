/** @file Pictures may be dropped or pasted anywhere on the page. */

/** Calls `onFiles` with what is dropped or pasted; the page has the class "dropping" while something is held over it. */
export function acceptPictures(page: HTMLElement, onFiles: (files: File[]) => void): void {
  let inside = 0;
  const mark = (change: number) => {
    inside = Math.max(0, inside + change);
    page.classList.toggle("dropping", inside > 0);
  };
  page.addEventListener("dragenter", (event) => {
    event.preventDefault();
    mark(1);
  });
  page.addEventListener("dragleave", () => mark(-1));
  page.addEventListener("dragover", (event) => event.preventDefault());
  page.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length === 0) return;
    event.preventDefault();
    onFiles(files);
  });
  page.addEventListener("drop", (event) => {
    event.preventDefault();
    mark(-inside);
    onFiles([...(event.dataTransfer?.files ?? [])]);
  });
}
