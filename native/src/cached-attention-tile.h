// Attention of a few query rows over a chunk of the KV cache, computed in fp32, for any instruction set `Isa`; included once by each.
// `Number` is what the cache holds: float, or uint16_t for float16, of which every number is a float too.
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

void keep(const float* x, int64_t count, float* cached) { memcpy(cached, x, size_t(count) * sizeof(float)); }
void keep(const float* x, int64_t count, uint16_t* cached) {
  for (int64_t i = 0; i < count; i += 16) Isa::store_halves(cached + i, Isa::load_floats(x + i));
}

// [keys <= 16, size] to [size, 16]; missing keys become zero.
template <typename Number>
void pack_keys(const Number* k, int64_t keys, int64_t size, float* out) {
  alignas(64) float rows[16 * 16];
  for (int64_t d = 0; d < size; d += 16) {
    if (keys == 16) {
      Isa::transpose16(k + d, size, out + d * 16);
      continue;
    }
    for (int64_t r = 0; r < 16; ++r) Isa::store(rows + r * 16, r < keys ? Isa::load_numbers(k + r * size + d) : Isa::zero());
    Isa::transpose16(rows, 16, out + d * 16);
  }
}

// Each row's arithmetic, and its order, depend on the row and the chunk alone.
template <typename Number>
void cached_chunk(const CacheChunk& at, float* scratch, const ChunkResult& out) {
  const auto *k = static_cast<const Number*>(at.k), *v = static_cast<const Number*>(at.v);
  const int64_t width = padded(at.keys, 16), panel = at.size * 16;
  float* scores = scratch;                    // [rows, width], then the weights
  float* packed = scratch + at.rows * width;  // [kPackedKeyPanels, size, 16]
  constexpr int64_t kGroup = kPackedKeyPanels * 16, kLine = 64 / sizeof(Number);
  for (int64_t i = 0; i < at.size * (at.keys < kGroup ? at.keys : kGroup); i += kLine) Isa::prefetch(k + i);
  for (int64_t first = 0; first < at.keys; first += kGroup) {
    int64_t panels = 0;
    for (int64_t key = first; key < at.keys && panels < kPackedKeyPanels; key += 16, ++panels)
      pack_keys(k + key * at.size, at.keys - key < 16 ? at.keys - key : 16, at.size, packed + panels * panel);
    // A tile of rows fetches the next group of keys, another this one's values: kGroup numbers for each of `size`.
    const Number* next = first + kGroup < at.keys ? k + (first + kGroup) * at.size : nullptr;
    const Ahead ahead = {{(const char*)next, (const char*)(v + first * at.size)}, kGroup * int64_t(sizeof(Number))};
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
  product<Number>(scores, width, {v, 16, at.size}, at.keys, out.mixed, at.size, at.rows, at.size / 16, false);
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

template <typename Number>
CachedKernels make_cached() {
  const auto keep_numbers = [](const float* x, int64_t count, void* cached) { keep(x, count, static_cast<Number*>(cached)); };
  return {sizeof(Number), keep_numbers, rotate_head, cached_chunk<Number>, merge_chunk, cached_scratch_floats};
}

}  // namespace
}  // namespace flashvl
