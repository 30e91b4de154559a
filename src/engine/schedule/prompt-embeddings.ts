/** @file Embeddings of a stretch of a prompt: text rows from the table, image slots from their pictures' features. */
import { IMAGE_SLOT_FIRST } from "../../processor/core.ts";
import type { EncodedImage } from "../run/vision-encoder.ts";
import type { EmbeddingTable } from "../weights/embedding-table.ts";

/**
 * Embeddings [end - start, hidden] of `ids[start..end)`.
 * @param images pictures of the whole sequence, in the order of their first slots
 * @throws Error when there are more image slots than features.
 */
export async function promptEmbeddings(
  ids: readonly number[],
  images: readonly EncodedImage[],
  start: number,
  end: number,
  table: EmbeddingTable,
  hidden: number,
): Promise<Float32Array> {
  const embeds = new Float32Array(new ArrayBuffer((end - start) * hidden * Float32Array.BYTES_PER_ELEMENT));
  const textIds: number[] = [];
  const textRows: number[] = [];
  let image = -1;
  let patch = 0;
  for (let i = 0; i < end; i++) {
    const id = ids[i]!;
    if (id === IMAGE_SLOT_FIRST) [image, patch] = [image + 1, 0];
    if (id < 0) {
      if (i >= start) {
        const row = images[image]?.features.subarray(patch * hidden, (patch + 1) * hidden);
        if (row?.length !== hidden)
          throw new Error(`The prompt has an image slot at ${i} for which there are no features.`);
        embeds.set(row, (i - start) * hidden);
      }
      patch++;
    } else if (i >= start) {
      textIds.push(id);
      textRows.push(i - start);
    }
  }
  await table.read(textIds, embeds, textRows);
  return embeds;
}
