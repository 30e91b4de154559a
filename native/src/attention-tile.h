// Attention over all keys of one head for a block of query rows, for any instruction set `Isa`; included once by each.
// Scores of a block stay in the second-level cache, so there is no running maximum to correct: score, exponentiate, mix.
#pragma once
#include "kernels.h"

namespace flashvl {
namespace {

// Keys mixed at once: their packed values (128 x 80 x 2 bytes) stay in the first-level cache over the rows of a block.
constexpr int64_t kMixedKeys = 128;

// A factor as [panels, k / group, 16, group]: numbers from one panel to the next, and from one group of k to the next.
template <typename Number>
struct Panels {
  const Number* data;
  int64_t stride;
  int64_t step = 16 * Numbers::kGroup;
};

// Memory that the first and the second tile of rows bring into the cache while they compute, so that neither waits for the
// other: `bytes` for each group of k.
struct Ahead {
  const char* of_tile[2] = {nullptr, nullptr};
  int64_t bytes = 0;
};

// c [rows, panels * 16] (+)= a [rows, k] w.
template <int kRows, int kPanels, typename Number>
void product_tile(const typename Numbers::Packed* a, int64_t a_stride, const Panels<Number>& w, int64_t groups, float* c, int64_t c_stride,
                  bool accumulate, const char* ahead, int64_t ahead_bytes) {
  typename Isa::Floats sum[kRows][kPanels];
  FLASHVL_UNROLL
  for (int r = 0; r < kRows; ++r) {
    FLASHVL_UNROLL
    for (int p = 0; p < kPanels; ++p) sum[r][p] = accumulate ? Isa::load_floats(c + r * c_stride + p * 16) : Isa::zero();
  }
  for (int64_t g = 0; g < groups; ++g) {
    if (ahead)
      for (int64_t i = 0; i < ahead_bytes; i += 64) Isa::prefetch(ahead + g * ahead_bytes + i);
    typename Numbers::Lanes lanes[kPanels];
    FLASHVL_UNROLL
    for (int p = 0; p < kPanels; ++p) lanes[p] = Numbers::load(w.data + p * w.stride + g * w.step);
    FLASHVL_UNROLL
    for (int r = 0; r < kRows; ++r) {
      const auto one = Numbers::broadcast(a + r * a_stride + g * Numbers::kGroup);
      FLASHVL_UNROLL
      for (int p = 0; p < kPanels; ++p) sum[r][p] = Numbers::multiply_add(one, lanes[p], sum[r][p]);
    }
  }
  FLASHVL_UNROLL
  for (int r = 0; r < kRows; ++r) {
    FLASHVL_UNROLL
    for (int p = 0; p < kPanels; ++p) Isa::store(c + r * c_stride + p * 16, sum[r][p]);
  }
}

template <typename Number>
using ProductFn = void (*)(const typename Numbers::Packed*, int64_t, const Panels<Number>&, int64_t, float*, int64_t, bool, const char*, int64_t);

template <typename Number>
struct ProductTable {
  ProductFn<Number> by_size[Isa::kAttentionRows + 1][Isa::kAttentionPanels + 1];
  template <int kRows, int kPanels>
  constexpr void fill() {
    if constexpr (kRows >= 1 && kPanels >= 1) {
      by_size[kRows][kPanels] = product_tile<kRows, kPanels, Number>;
      fill<kRows, kPanels - 1>();
      if constexpr (kPanels == Isa::kAttentionPanels) fill<kRows - 1, kPanels>();
    }
  }
};

// The same over any count of rows and panels, the panels outermost so that they are read from memory once.
template <typename Number = typename Numbers::Packed>
void product(const typename Numbers::Packed* a, int64_t a_stride, const Panels<Number>& w, int64_t groups, float* c, int64_t c_stride, int64_t rows,
             int64_t panels, bool accumulate, const Ahead& ahead = {}) {
  static const ProductTable<Number> table = [] {
    ProductTable<Number> t = {};
    t.template fill<Isa::kAttentionRows, Isa::kAttentionPanels>();
    return t;
  }();
  const int64_t runs = (panels + Isa::kAttentionPanels - 1) / Isa::kAttentionPanels;
  const int64_t tiles = (rows + Isa::kAttentionRows - 1) / Isa::kAttentionRows;
  for (int64_t run = 0; run < runs; ++run) {
    const int64_t first = run * panels / runs, width = (run + 1) * panels / runs - first;
    for (int64_t tile = 0; tile < tiles; ++tile) {
      const int64_t row = tile * rows / tiles, height = (tile + 1) * rows / tiles - row;
      table.by_size[height][width](a + row * a_stride, a_stride, {w.data + first * w.stride, w.stride, w.step}, groups,
                                   c + row * c_stride + first * 16, c_stride, accumulate, tile < 2 && run == 0 ? ahead.of_tile[tile] : nullptr, ahead.bytes);
    }
  }
}

inline int64_t padded(int64_t v, int64_t step) { return (v + step - 1) / step * step; }

// Offsets into packed keys and values, and sizes, of one head.
struct HeadLayout {
  int64_t keys, key_panels, key_groups, key_stride, value_panels, value_groups, value_stride;
  explicit HeadLayout(const AttentionHead& head)
      : keys(padded(head.length, 16)), key_panels(keys / 16), key_groups(padded(head.size, Numbers::kGroup) / Numbers::kGroup),
        key_stride(key_groups * 16 * Numbers::kGroup), value_panels(padded(head.size, 16) / 16), value_groups(keys / Numbers::kGroup),
        value_stride(keys * 16) {}
};

// keys [key panel, size / group, 16 keys, group], then values [value panel, keys / group, 16 of size, group]; padding is zero.
void attention_pack(const AttentionHead& head, void* packed) {
  const HeadLayout at(head);
  auto* keys = static_cast<typename Numbers::Packed*>(packed);
  auto* values = keys + at.key_panels * at.key_stride;
  for (int64_t p = 0; p < at.key_panels; ++p) {
    const int64_t left = head.length - p * 16;
    Numbers::pack_columns(head.k + p * 16 * head.stride, head.stride, left < 16 ? left : 16, head.size, keys + p * at.key_stride);
  }
  for (int64_t p = 0; p < at.value_panels; ++p) {
    const int64_t left = head.size - p * 16;
    Numbers::pack_rows(head.v + p * 16, head.stride, head.length, at.keys, left < 16 ? left : 16, values + p * at.value_stride);
  }
}

// A row of scores becomes 2^(score - largest), followed by zeros; returns the sum, and the largest where it is asked for.
inline float exponentiate(const float* scores, int64_t length, int64_t padded_length, typename Numbers::Packed* out, float* most_score = nullptr) {
  typename Isa::Floats most = Isa::splat_float(scores[0]);
  int64_t i = 0;
  for (; i + 16 <= length; i += 16) most = Isa::maximum(most, Isa::load_floats(scores + i));
  float largest = Isa::largest(most);
  for (; i < length; ++i) largest = scores[i] > largest ? scores[i] : largest;
  if (most_score) *most_score = largest;
  typename Isa::Floats total = Isa::zero();
  const auto shift = Isa::splat_float(-largest);
  for (i = 0; i + 16 <= length; i += 16) {
    const auto e = Isa::template exp2<Numbers::kExpTerms>(Isa::add(Isa::load_floats(scores + i), shift));
    total = Isa::add(total, e);
    Numbers::store16(out + i, e);
  }
  if (i < padded_length) {
    alignas(64) float tail[16];
    for (int64_t j = 0; j < 16; ++j) tail[j] = i + j < length ? scores[i + j] - largest : -1000.0f;  // 2^-1000 is zero
    const auto e = Isa::template exp2<Numbers::kExpTerms>(Isa::load_floats(tail));
    total = Isa::add(total, e);
    Numbers::store16(out + i, e);
  }
  return Isa::total(total);
}

void attention_rows(const AttentionHead& head, const void* packed, void* scratch, int64_t first_row, int64_t rows) {
  const HeadLayout at(head);
  const auto* keys = static_cast<const typename Numbers::Packed*>(packed);
  const auto* values = keys + at.key_panels * at.key_stride;
  const int64_t query_stride = padded(at.key_groups * Numbers::kGroup, 16), width = at.value_panels * 16;
  float* scores = static_cast<float*>(scratch);
  float* mixed = scores + kAttentionBlockRows * at.keys;
  auto* weights = reinterpret_cast<typename Numbers::Packed*>(mixed + kAttentionBlockRows * width);
  auto* queries = weights + kAttentionBlockRows * at.keys;

  constexpr float kLog2E = 1.44269504f;  // scores in base 2: exp(x) = 2^(x log2 e)
  for (int64_t r = 0; r < rows; ++r) Numbers::convert(head.q + (first_row + r) * head.stride, head.size, head.scale * kLog2E, query_stride, queries + r * query_stride);
  product(queries, query_stride, {keys, at.key_stride}, at.key_groups, scores, at.keys, rows, at.key_panels, false);
  float sums[kAttentionBlockRows];
  for (int64_t r = 0; r < rows; ++r) sums[r] = exponentiate(scores + r * at.keys, head.length, at.keys, weights + r * at.keys);
  for (int64_t first = 0; first < at.keys; first += kMixedKeys) {
    const int64_t count = at.keys - first < kMixedKeys ? at.keys - first : kMixedKeys;
    product(weights + first, at.keys, {values + first * 16, at.value_stride}, count / Numbers::kGroup, mixed, width, rows, at.value_panels, first > 0);
  }
  for (int64_t r = 0; r < rows; ++r) {
    float* out = head.out + (first_row + r) * head.out_stride;
    const float share = 1.0f / sums[r];
    for (int64_t d = 0; d < head.size; ++d) out[d] = mixed[r * width + d] * share;
  }
}

// Bytes of one head's packed keys and values, and of a block's scratch.
int64_t attention_packed_bytes(const AttentionHead& head) {
  const HeadLayout at(head);
  return (at.key_panels * at.key_stride + at.value_panels * at.value_stride) * int64_t(sizeof(typename Numbers::Packed));
}
int64_t attention_scratch_bytes(const AttentionHead& head) {
  const HeadLayout at(head);
  const int64_t floats = kAttentionBlockRows * (at.keys + at.value_panels * 16);
  const int64_t numbers = kAttentionBlockRows * (at.keys + padded(at.key_groups * Numbers::kGroup, 16));
  return floats * 4 + numbers * int64_t(sizeof(typename Numbers::Packed));
}

inline AttentionKernels make_attention() {
  return {Numbers::kName, attention_packed_bytes, attention_scratch_bytes, attention_pack, attention_rows};
}

}  // namespace
}  // namespace flashvl
