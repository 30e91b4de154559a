/** @file The example picture that an empty conversation offers: the price board of this project's README. */

const ADDRESS = new URL("../../examples/board.png", import.meta.url).href;

/** The picture as a file. Throws the browser's error when the server does not answer. */
export async function examplePicture(): Promise<File> {
  const response = await fetch(ADDRESS);
  if (!response.ok) throw new Error(response.statusText);
  return new File([await response.blob()], "board.png", { type: "image/png" });
}
