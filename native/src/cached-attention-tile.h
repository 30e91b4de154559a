// Attention of a few query rows over a chunk of the KV cache, in fp32, for any instruction set `Isa`; included once by each.
#pragma once
#include "attention-tile.h"

namespace flashvl {
namespace {

// Panels of 16 keys whose columns are packed at once: with heads of 128 they fill two thirds of the first-level cache.
constexpr int64_t kPackedKeyPanels = 4;

// Half-split rotation (Su et al., arXiv 2104.09864): (a, b) -> (a cos - b sin, b cos + a sin), times `factor`.
void rotate_head(const float* x, const float* cos, const float* sin, int64_t half, float factor, float* out) {
  for (int64_t i = 0; i < half; ++i) {
    const float a = x[i], b = x[i + half];
    out[i] = (a * cos[i] - b * sin[i]) * factor;
    out[i + half] = (b * cos[i] + a * sin[i]) * factor;
  }
}

void pack_keys(const float* k, int64_t keys, int64_t size, float* out) {
  if (keys < 16) return Numbers::pack_columns(k, size, keys, size, out);
  for (int64_t d = 0; d < size; d += 16) Isa::transpose16(k + d, size, out + d * 16);
}

// Each row's arithmetic, and its order, depend on the row and the chunk alone.
void cached_chunk(const CacheChunk& at, float* scratch, const ChunkResult& out) {
  const int64_t width = padded(at.keys, 16), panel = at.size * 16;
  float* scores = scratch;                    // [rows, width], then the weights
  float* packed = scratch + at.rows * width;  // [kPackedKeyPanels, size, 16]
  constexpr int64_t kGroup = kPackedKeyPanels * 16;  // as many lines as the tiles over it fetch: kLinesPerGroup * 16 numbers for each of `size`
  static_assert(kPackedKeyPanels == kLinesPerGroup, "a tile fetches the next group of keys, or this one's values");
  for (int64_t i = 0; i < at.size * (at.keys < kGroup ? at.keys : kGroup); i += 16) Isa::prefetch(at.k + i);
  for (int64_t first = 0; first < at.keys; first += kGroup) {
    int64_t panels = 0;
    for (int64_t key = first; key < at.keys && panels < kPackedKeyPanels; key += 16, ++panels)
      pack_keys(at.k + key * at.size, at.keys - key < 16 ? at.keys - key : 16, at.size, packed + panels * panel);
    const float* next = first + kGroup < at.keys ? at.k + (first + kGroup) * at.size : nullptr;
    const Ahead ahead = {{(const char*)next, (const char*)(at.v + first * at.size)}};
    product(at.q, at.size, {packed, panel}, at.size, scores + first, width, at.rows, panels, false, ahead);
  }
  for (int64_t r = 0; r < at.rows; ++r) {
    int64_t visible = at.visible + r / at.rows_per_token;
    visible = visible < 0 ? 0 : visible > at.keys ? at.keys : visible;
    float* row = scores + r * width;
    float most = 0, sum = 0;
    const int64_t end = padded(visible, 16);
    if (visible > 0) sum = exponentiate(row, visible, end, row, &most);
    for (int64_t i = end; i < width; ++i) row[i] = 0;
    out.most[r] = most, out.sum[r] = sum;
  }
  product(scores, width, {at.v, 16, at.size}, at.keys, out.mixed, at.size, at.rows, at.size / 16, false);
}

// Adds what a later chunk found to what earlier ones did; a sum of zero is a row that saw nothing.
void merge_chunk(const ChunkResult& into, const ChunkResult& from, int64_t rows, int64_t size) {
  for (int64_t r = 0; r < rows; ++r) {
    if (from.sum[r] == 0) continue;
    const bool fresh = into.sum[r] == 0;
    const float most = fresh || from.most[r] > into.most[r] ? from.most[r] : into.most[r];
    alignas(64) float factor[2][16];
    Isa::store(factor[0], Isa::template exp2<6>(Isa::splat_float(fresh ? 0 : into.most[r] - most)));
    Isa::store(factor[1], Isa::template exp2<6>(Isa::splat_float(from.most[r] - most)));
    float* mixed = into.mixed + r * size;
    const float* other = from.mixed + r * size;
    for (int64_t d = 0; d < size; ++d) mixed[d] = fresh ? other[d] : mixed[d] * factor[0][0] + other[d] * factor[1][0];
    into.sum[r] = fresh ? from.sum[r] : into.sum[r] * factor[0][0] + from.sum[r] * factor[1][0];
    into.most[r] = most;
  }
}

int64_t cached_scratch_floats(int64_t rows, int64_t size) { return rows * kCacheChunk + kPackedKeyPanels * size * 16; }

inline CachedKernels make_cached() { return {rotate_head, cached_chunk, merge_chunk, cached_scratch_floats}; }

}  // namespace
}  // namespace flashvl
