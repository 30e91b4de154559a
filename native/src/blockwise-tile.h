// Blockwise matrix product of a few quantised rows with two weight panels, for any instruction set `Isa`; included once by each.
#pragma once
#include "kernels.h"

namespace flashvl {
namespace {

inline int32_t four_bytes(const int8_t* p) {
  int32_t v;
  memcpy(&v, p, 4);
  return v;
}

template <int kRows, int kPanels>
using Sums = typename Isa::Ints[kRows][kPanels];

// Four values of k: each broadcast activation feeds one dot product per panel.
template <int kRows, int kPanels, typename Dot>
inline __attribute__((always_inline)) const int8_t* add_products(Sums<kRows, kPanels>& sum, const int8_t* values, const typename Isa::Weights (&w)[kPanels],
                                  const Dot& dot) {
  FLASHVL_UNROLL
  for (int r = 0; r < kRows; ++r) {
    const auto v = four_bytes(values + r * 4);
    FLASHVL_UNROLL
    for (int p = 0; p < kPanels; ++p) sum[r][p] = dot(sum[r][p], w[p], v);
  }
  return values + kRows * 4;
}

constexpr int tile_panels(int rows) { return rows <= Isa::kWideRows ? Isa::kPanels : 1; }

// Sums, scales and adds in an order that depends on nothing but the column and the block: a row's result is the same
// in every tile height and for every thread count.
template <int kRows, int kBits>
void matmul_tile(const QuantizedRows& a, const PackedWeights& w, const TileColumns& columns, const TileOutput& out) {
  constexpr int kPanels = tile_panels(kRows);
  constexpr int kColumnsPerLoad = kBits == 4 ? 8 : 4;  // k values that 64 bytes of weights hold
  const int64_t panel_bytes = w.blocks * w.block * kPanelColumns * kBits / 8;
  const int64_t panel_scales = w.blocks * kPanelColumns;
  const uint8_t* weights[kPanels];
  int64_t scales[kPanels];
  FLASHVL_UNROLL
  for (int p = 0; p < kPanels; ++p) {
    const int64_t at = columns.first + (p < columns.count ? p * columns.step : 0);  // a lone panel is computed twice, written once
    weights[p] = w.values + at * panel_bytes;
    scales[p] = at * panel_scales;
  }
  const int8_t* values = a.values;
  const uint8_t* ahead = columns.prefetch;
  const int64_t ahead_step = columns.step * panel_bytes;

  typename Isa::Floats total[kRows][kPanels];
  FLASHVL_UNROLL
  for (int r = 0; r < kRows; ++r) {
    FLASHVL_UNROLL
    for (int p = 0; p < kPanels; ++p) total[r][p] = Isa::zero();
  }
  for (int64_t b = 0; b < w.blocks; ++b) {
    Sums<kRows, kPanels> sum;
    FLASHVL_UNROLL
    for (int r = 0; r < kRows; ++r) {
      FLASHVL_UNROLL
      for (int p = 0; p < kPanels; ++p) sum[r][p] = Isa::splat(a.offsets[b * kRows + r]);
    }
    for (int64_t k = 0; k < w.block; k += kColumnsPerLoad) {
      typename Isa::Weights loaded[kPanels], part[kPanels];
      FLASHVL_UNROLL
      for (int p = 0; p < kPanels; ++p) {
        loaded[p] = Isa::load(weights[p]);
        part[p] = kBits == 4 ? Isa::low4(loaded[p]) : Isa::bytes8(loaded[p]);
        Isa::prefetch(ahead + p * ahead_step);
        weights[p] += 64;
      }
      ahead += columns.prefetch_step;
      if constexpr (kBits == 4) {
        values = add_products<kRows, kPanels>(sum, values, part, Isa::dot4);
        FLASHVL_UNROLL
        for (int p = 0; p < kPanels; ++p) part[p] = Isa::high4(loaded[p]);
        values = add_products<kRows, kPanels>(sum, values, part, Isa::dot4);
      } else {
        values = add_products<kRows, kPanels>(sum, values, part, Isa::dot8);
      }
    }
    typename Isa::Floats scale[kPanels];
    FLASHVL_UNROLL
    for (int p = 0; p < kPanels; ++p) {
      const int64_t at = scales[p] + b * kPanelColumns;
      scale[p] = w.half_scales ? Isa::load_halves((const uint16_t*)w.scales + at) : Isa::load_floats((const float*)w.scales + at);
    }
    FLASHVL_UNROLL
    for (int r = 0; r < kRows; ++r) {
      FLASHVL_UNROLL
      for (int p = 0; p < kPanels; ++p)
        total[r][p] = Isa::multiply_add(Isa::to_floats(sum[r][p]), Isa::scale(scale[p], a.scales[b * kRows + r]), total[r][p]);
    }
  }

  FLASHVL_UNROLL
  for (int r = 0; r < kRows; ++r) {
    FLASHVL_UNROLL
    for (int p = 0; p < kPanels; ++p) {
      if (p >= columns.count) break;
      const int64_t column = (columns.first + p * columns.step) * kPanelColumns;
      float* y = out.y + r * out.row_stride + p * out.panel_stride;
      const float* bias = out.bias ? out.bias + column : nullptr;
      if (column + kPanelColumns <= w.n) {
        Isa::store(y, bias ? Isa::add(total[r][p], Isa::load_floats(bias)) : total[r][p]);
      } else {
        alignas(64) float row[kPanelColumns];
        Isa::store(row, total[r][p]);
        for (int64_t j = 0; j < w.n - column; ++j) y[j] = bias ? row[j] + bias[j] : row[j];
      }
    }
  }
}

// Symmetric int8 per row and block: scale = largest |x| / 127, rounded to nearest even.
inline void quantize_block(const float* x, int64_t count, const PackedWeights& w, int zero_point, int rows, int r, int64_t b,
                           const QuantizedRows& out) {
  const int64_t whole = count & ~int64_t(15);
  alignas(64) float tail[16] = {0};
  uint32_t bits = whole ? Isa::abs_max_bits(x, whole) : 0;
  if (whole != count) {
    memcpy(tail, x + whole, (size_t)(count - whole) * 4);
    const uint32_t rest = Isa::abs_max_bits(tail, 16);
    if (rest > bits) bits = rest;
  }
  float largest, scale = 0, factor = 0;
  memcpy(&largest, &bits, 4);
  if (bits >= 0x7f800000u) {
    const uint32_t nan = 0x7fc00000u;  // NaN or infinity in a row must stay visible in the result
    memcpy(&scale, &nan, 4);
  } else if (largest > 1e-30f) {       // below, 127 / largest would overflow
    scale = largest / 127.0f;
    factor = 127.0f / largest;
  }
  int8_t* values = out.values + (b * w.block / 4 * rows + r) * 4;
  int32_t sum = 0;
  for (int64_t i = 0; i < w.block; i += 16) {
    alignas(16) int8_t q[16] = {0};
    if (factor != 0 && i < whole) sum += Isa::quantize16(x + i, factor, q);
    else if (factor != 0 && i < count) sum += Isa::quantize16(tail, factor, q);
    for (int j = 0; j < 4; ++j) memcpy(values + (i / 4 + j) * rows * 4, q + j * 4, 4);
  }
  out.scales[b * rows + r] = scale;
  out.offsets[b * rows + r] = -zero_point * sum;
}

void quantize_rows(const float* x, int64_t row_stride, int rows, const PackedWeights& w, int64_t first_block, int64_t last_block,
                   const QuantizedRows& out) {
  const int zero_point = w.bits == 4 ? Isa::kZeroPoint4 : Isa::kZeroPoint8;
  for (int r = 0; r < rows; ++r)
    for (int64_t b = first_block; b < last_block; ++b) {
      const int64_t left = w.k - b * w.block;
      quantize_block(x + r * row_stride + b * w.block, left < w.block ? left : w.block, w, zero_point, rows, r, b, out);
    }
}

}  // namespace
}  // namespace flashvl
