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

// Keys whose bytes are asked for ahead of those that are packed: the columns of a panel are read in an order that no
// prefetcher of the hardware sees through.
constexpr int64_t kKeysAhead = 32;

void fetch(const float* from, int64_t count) {
  for (int64_t i = 0; i < count; i += 16) Isa::prefetch(from + i);
}

// Each row's arithmetic, and its order, depend on the row and the chunk alone.
void cached_chunk(const CacheChunk& at, float* scratch, const ChunkResult& out) {
  const int64_t width = padded(at.keys, 16), panel = at.size * 16;
  float* scores = scratch;                    // [rows, width], then the weights
  float* packed = scratch + at.rows * width;  // [kPackedKeyPanels, size, 16]
  fetch(at.k, (at.keys < kKeysAhead ? at.keys : kKeysAhead) * at.size);
  for (int64_t first = 0; first < at.keys; first += kPackedKeyPanels * 16) {
    int64_t panels = 0;
    for (int64_t key = first; key < at.keys && panels < kPackedKeyPanels; key += 16, ++panels) {
      const int64_t count = at.keys - key < 16 ? at.keys - key : 16;
      const int64_t ahead = at.keys - key - kKeysAhead;
      if (ahead > 0) fetch(at.k + (key + kKeysAhead) * at.size, (ahead < 16 ? ahead : 16) * at.size);
      fetch(at.v + key * at.size, count * at.size);  // needed next
      pack_keys(at.k + key * at.size, count, at.size, packed + panels * panel);
    }
    product(at.q, at.size, {packed, panel}, at.size, scores + first, width, at.rows, panels, false);
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
