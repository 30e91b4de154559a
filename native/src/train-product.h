// Tiles of matrix products and the packing of their sides, for any instruction set `Isa` and kind of numbers `Factors`.
#pragma once
#include <math.h>
#include <string.h>

#include "kernels.h"
#include "train-kernels.h"

namespace flashvl {
namespace {

using Floats = typename Isa::Floats;
using Number = typename Factors::Number;
constexpr int kTrainRows = Isa::kAttentionPanels >= kProductPanels ? kProductRows : Isa::kAttentionRows;
constexpr int kTrainPanels = Isa::kAttentionPanels >= kProductPanels ? kProductPanels : Isa::kAttentionPanels;

inline int64_t padded_to(int64_t v, int64_t step) { return (v + step - 1) / step * step; }

template <int kRows, int kPanels>
void product_tile(const LeftRows& a, const void* right, int64_t groups, float* c, int64_t c_stride, const float* start, int64_t start_stride) {
  const Number *left = static_cast<const Number*>(a.data), *b = static_cast<const Number*>(right);
  const int64_t row = a.row, step = a.step;
  Floats sum[kRows][kPanels];
  FLASHVL_UNROLL
  for (int r = 0; r < kRows; ++r) {
    FLASHVL_UNROLL
    for (int p = 0; p < kPanels; ++p) sum[r][p] = start ? Isa::load_floats(start + r * start_stride + p * 16) : Isa::zero();
  }
  for (int64_t g = 0; g < groups; ++g) {
    typename Factors::Lanes lanes[kPanels];
    FLASHVL_UNROLL
    for (int p = 0; p < kPanels; ++p) lanes[p] = Factors::load(b + p * 16 * Factors::kGroup);
    FLASHVL_UNROLL
    for (int r = 0; r < kRows; ++r) {
      const auto one = Factors::broadcast(left + r * row);
      FLASHVL_UNROLL
      for (int p = 0; p < kPanels; ++p) sum[r][p] = Factors::multiply_add(one, lanes[p], sum[r][p]);
    }
    left += step, b += kPanels * 16 * Factors::kGroup;
  }
  FLASHVL_UNROLL
  for (int r = 0; r < kRows; ++r) {
    FLASHVL_UNROLL
    for (int p = 0; p < kPanels; ++p) Isa::store(c + r * c_stride + p * 16, sum[r][p]);
  }
}

template <int kRows, int kPanels>
void fill_product_tiles(ProductKernels& kernels) {
  if constexpr (kRows >= 1 && kPanels >= 1) {
    kernels.tiles[kRows][kPanels] = product_tile<kRows, kPanels>;
    fill_product_tiles<kRows, kPanels - 1>(kernels);
    if constexpr (kPanels == kTrainPanels) fill_product_tiles<kRows - 1, kPanels>(kernels);
  }
}

// 16 floats of which `count` are there; the others are zero.
inline Floats load_some(const float* x, int64_t count) {
  if (count >= 16) return Isa::load_floats(x);
  alignas(64) float some[16] = {};
  for (int64_t i = 0; i < count; ++i) some[i] = x[i];
  return Isa::load_floats(some);
}

// `depth` rows of a matrix stored row by row, `count` columns, to [groups][width][group] times `factor`; every column's sum to
// `sums` where that is not null.
inline void interleave(const float* x, int64_t stride, int64_t depth, int64_t count, int64_t width, float factor, float* sums, Number* out) {
  const Floats by = Isa::splat_float(factor);
  for (int64_t c = 0; sums && c < width; c += 16) Isa::store(sums + c, Isa::zero());
  for (int64_t k = 0; k < depth; k += Factors::kGroup, x += Factors::kGroup * stride)
    for (int64_t c = 0; c < width; c += 16, out += 16 * Factors::kGroup) {
      Isa::prefetch(x + 16 * stride + c);
      if (Factors::kGroup == 2) Isa::prefetch(x + 17 * stride + c);
      const Floats even = load_some(x + c, count - c);
      if (sums) Isa::store(sums + c, Isa::add(Isa::load_floats(sums + c), even));
      if (Factors::kGroup == 1) {
        Factors::store(out, Isa::multiply(even, by));
        continue;
      }
      const Floats odd = load_some(x + stride + c, k + 1 < depth ? count - c : 0);
      if (sums) Isa::store(sums + c, Isa::add(Isa::load_floats(sums + c), odd));
      Factors::store_pair(out, Isa::multiply(even, by), Isa::multiply(odd, by));
    }
}

// `depth` numbers of a row, rounded and padded with zeros to whole groups of 16.
inline void convert_row(const float* x, int64_t depth, float factor, Number* out) {
  const Floats by = Isa::splat_float(factor);
  for (int64_t k = 0; k < depth; k += 16) Factors::store(out + k, Isa::multiply(load_some(x + k, depth - k), by));
}

void pack_right(const MatrixView& b, int64_t k, int64_t depth, int64_t first, int64_t count, void* packed) {
  Number* out = static_cast<Number*>(packed);
  const int64_t width = padded_to(count, 16);
  if (!b.transposed) return interleave(b.at(k, first), b.stride, depth, count, width, 1, nullptr, out);
  // 16 columns, which are rows in memory, and 64 values of k at a time: rounded row by row, then read group by group.
  constexpr int64_t kSlice = 64;
  alignas(64) Number rows[16][kSlice];
  for (int64_t c = 0; c < width; c += 16)
    for (int64_t from = 0; from < depth; from += kSlice) {
      const int64_t slice = depth - from < kSlice ? depth - from : kSlice;
      for (int64_t j = 0; j < 16; ++j)
        if (c + j < count) convert_row(b.at(k + from, first + c + j), slice, 1, rows[j]);
        else memset(rows[j], 0, sizeof rows[j]);
      for (int64_t i = 0; i < slice; i += Factors::kGroup) {
        Number* to = out + (from + i) * width + c * Factors::kGroup;
        for (int64_t j = 0; j < 16; ++j) memcpy(to + j * Factors::kGroup, &rows[j][i], sizeof(Number) * Factors::kGroup);
      }
    }
}

LeftRows pack_left(const MatrixView& a, int64_t first, int64_t count, int64_t k, int64_t depth, float factor, float* sums, void* packed) {
  Number* out = static_cast<Number*>(packed);
  if (a.transposed) {
    const int64_t width = padded_to(count, 16);
    interleave(a.at(first, k), a.stride, depth, count, width, factor, sums, out);
    return {out, Factors::kGroup, width * Factors::kGroup};
  }
  if (Factors::kGroup == 1 && factor == 1) return {a.at(first, k), a.stride, 1};
  const int64_t row = padded_to(depth, 16);
  for (int64_t r = 0; r < count; ++r) convert_row(a.at(first + r, k), depth, factor, out + r * row);
  return {out, row, Factors::kGroup};
}

// Row of scores (in base 2, blocked ones far below zero) to 2^(score - largest); returns log2 of the sum of 2^score.
float soften(float* scores, int64_t length, int64_t padded, void* weights) {
  Number* out = static_cast<Number*>(weights);
  for (int64_t i = length; i < padded; ++i) scores[i] = -1e30f;
  Floats most = Isa::load_floats(scores);
  for (int64_t i = 16; i < padded; i += 16) most = Isa::maximum(most, Isa::load_floats(scores + i));
  const float largest = Isa::largest(most);
  const Floats shift = Isa::splat_float(-largest);
  Floats total = Isa::zero();
  for (int64_t i = 0; i < padded; i += 16) {
    const Floats e = Isa::template exp2<Factors::kExpTerms>(Isa::add(Isa::load_floats(scores + i), shift));
    total = Isa::add(total, e);
    Isa::store(scores + i, e);
  }
  const float sum = Isa::total(total);
  const Floats share = Isa::splat_float(1 / sum);
  for (int64_t i = 0; i < padded; i += 16) Factors::store(out + i, Isa::multiply(Isa::load_floats(scores + i), share));
  return largest + log2f(sum);
}

// See ProductKernels. A pair of rows takes 2 * padded numbers in `weights_pair` and `slopes_pair`.
void slopes_of(const float* const scores[2], const float* const grads[2], const float lse[2], const float delta[2], float factor, int64_t length,
               int64_t padded, void* weights_pair, void* slopes_pair, void* const slope_rows[2]) {
  const auto limit = [&](Floats v, int64_t i) {
    if (i + 16 <= length) return v;
    alignas(64) float lanes[16];
    Isa::store(lanes, v);
    for (int64_t j = 0; j < 16; ++j) lanes[j] = i + j < length ? lanes[j] : -1e30f;
    return Isa::load_floats(lanes);
  };
  for (int64_t i = 0; i < padded; i += 16) {
    Floats p[2], s[2];
    FLASHVL_UNROLL
    for (int r = 0; r < 2; ++r) {
      const Floats score = Isa::add(limit(Isa::load_floats(scores[r] + i), i), Isa::splat_float(-lse[r]));
      p[r] = Isa::template exp2<Factors::kExpTerms>(score);
      s[r] = Isa::multiply(Isa::multiply(p[r], Isa::splat_float(factor)), Isa::add(Isa::load_floats(grads[r] + i), Isa::splat_float(-delta[r])));
      Factors::store(static_cast<Number*>(slope_rows[r]) + i, s[r]);
    }
    if (Factors::kGroup == 2) {
      Factors::store_pair(static_cast<Number*>(weights_pair) + i * 2, p[0], p[1]);
      Factors::store_pair(static_cast<Number*>(slopes_pair) + i * 2, s[0], s[1]);
    } else {
      Factors::store(static_cast<Number*>(weights_pair) + i, p[0]);
      Factors::store(static_cast<Number*>(weights_pair) + padded + i, p[1]);
      Factors::store(static_cast<Number*>(slopes_pair) + i, s[0]);
      Factors::store(static_cast<Number*>(slopes_pair) + padded + i, s[1]);
    }
  }
}

inline ProductKernels make_product_kernels() {
  ProductKernels kernels = {};
  kernels.name = Factors::kName;
  kernels.group = Factors::kGroup;
  kernels.bytes = sizeof(Number);
  kernels.rows = kTrainRows;
  kernels.panels = kTrainPanels;
  fill_product_tiles<kTrainRows, kTrainPanels>(kernels);
  kernels.pack_right = pack_right;
  kernels.pack_left = pack_left;
  kernels.soften = soften;
  kernels.slopes = slopes_of;
  return kernels;
}

}  // namespace
}  // namespace flashvl
