// What is done to rows before a product and to columns after it, for any instruction set `Isa`; included once by each.
#pragma once
#include "kernels.h"

namespace flashvl {
namespace {

// The numbers of a row from i on that are there, and zeros.
inline typename Isa::Floats load_some(const float* x, int64_t i, int64_t count) {
  if (i + 16 <= count) return Isa::load_floats(x + i);
  alignas(64) float tail[16] = {0};
  memcpy(tail, x + i, size_t(count - i) * sizeof(float));
  return Isa::load_floats(tail);
}

inline void store_some(float* x, int64_t i, int64_t count, typename Isa::Floats v) {
  if (i + 16 <= count) return Isa::store(x + i, v);
  alignas(64) float tail[16];
  Isa::store(tail, v);
  memcpy(x + i, tail, size_t(count - i) * sizeof(float));
}

// Lanes added in turn: the order is the same in every instruction set.
inline float add_lanes(typename Isa::Floats v) {
  alignas(64) float lanes[16];
  Isa::store(lanes, v);
  float sum = 0;
  for (float lane : lanes) sum += lane;
  return sum;
}

// RMSNorm (Zhang & Sennrich, arXiv 1910.07467) or LayerNorm (Ba et al., arXiv 1607.06450).
void normalize_row(const float* x, int64_t k, const Norm& norm, float* out) {
  float mean = 0;
  auto sum = Isa::zero();
  if (norm.kind == kLayerNorm) {
    for (int64_t i = 0; i < k; i += 16) sum = Isa::add(sum, load_some(x, i, k));
    mean = add_lanes(sum) / float(k);
  }
  sum = Isa::zero();
  const auto shift = Isa::splat_float(-mean);
  int64_t i = 0;
  for (; i + 16 <= k; i += 16) {
    const auto v = Isa::add(Isa::load_floats(x + i), shift);
    sum = Isa::multiply_add(v, v, sum);
  }
  float squares = add_lanes(sum);
  for (; i < k; ++i) squares += (x[i] - mean) * (x[i] - mean);
  const auto factor = Isa::splat_float(1.0f / __builtin_sqrtf(squares / float(k) + norm.epsilon));
  for (i = 0; i < k; i += 16) {
    const auto scaled = Isa::multiply(Isa::multiply(Isa::add(load_some(x, i, k), shift), factor), load_some(norm.weight, i, k));
    store_some(out, i, k, norm.kind == kLayerNorm ? Isa::add(scaled, load_some(norm.bias, i, k)) : scaled);
  }
}

// x / (1 + 2^-s), with s kept where neither power nor quotient leaves the range of floats.
inline typename Isa::Floats times_sigmoid(typename Isa::Floats x, typename Isa::Floats s) {
  constexpr float kMost = 126;
  const auto below = Isa::maximum(s, Isa::splat_float(-kMost));
  const auto power = Isa::maximum(Isa::scale(below, -1), Isa::splat_float(-kMost));
  return Isa::divide(x, Isa::add(Isa::template exp2<6>(power), Isa::splat_float(1)));
}

constexpr float kLog2OfE = 1.44269504f;

void gate_columns(const float* gate_up, int64_t rows, float* y, int64_t stride) {
  for (int64_t r = 0; r < rows; ++r) {
    const auto gate = Isa::load_floats(gate_up + r * 32), up = Isa::load_floats(gate_up + r * 32 + 16);
    Isa::store(y + r * stride, Isa::multiply(times_sigmoid(gate, Isa::scale(gate, kLog2OfE)), up));
  }
}

// GELU by tanh (Hendrycks & Gimpel, arXiv 1606.08415): x / 2 (1 + tanh u) = x sigmoid(2 u).
inline typename Isa::Floats gelu_tanh(typename Isa::Floats x) {
  constexpr float kTwiceC = 1.59576912f * kLog2OfE, kCubic = 0.044715f * kTwiceC;  // 2 sqrt(2 / pi)
  return times_sigmoid(x, Isa::multiply(x, Isa::multiply_add(Isa::multiply(x, x), Isa::splat_float(kCubic), Isa::splat_float(kTwiceC))));
}

// GELU itself: x P(X < x) of the standard normal distribution = max(x, 0) - |x| P(X < -|x|). The tail's series is Abramowitz and
// Stegun, 7.1.26, whose error is at most 0.75e-7 of it.
inline typename Isa::Floats gelu(typename Isa::Floats x) {
  constexpr float kHalfLog2OfE = 0.5f * kLog2OfE, kStep = 0.3275911f * 0.707106781f;
  const auto size = Isa::maximum(x, Isa::scale(x, -1));
  const auto t = Isa::divide(Isa::splat_float(1), Isa::multiply_add(size, Isa::splat_float(kStep), Isa::splat_float(1)));
  auto series = Isa::splat_float(0.5f * 1.061405429f);
  constexpr float kTerms[] = {0.5f * -1.453152027f, 0.5f * 1.421413741f, 0.5f * -0.284496736f, 0.5f * 0.254829592f};
  for (const float term : kTerms)
    series = Isa::multiply_add(series, t, Isa::splat_float(term));
  const auto power = Isa::maximum(Isa::scale(Isa::multiply(x, x), -kHalfLog2OfE), Isa::splat_float(-126));
  const auto tail = Isa::multiply(Isa::multiply(series, t), Isa::template exp2<6>(power));
  return Isa::multiply_add(Isa::scale(size, -1), tail, Isa::maximum(x, Isa::zero()));
}

void finish_columns(float* y, int64_t stride, int64_t rows, int64_t count, Activation activation, const float* residual) {
  for (int64_t r = 0; r < rows; ++r) {
    auto v = load_some(y + r * stride, 0, count);
    if (activation == kGeluTanh) v = gelu_tanh(v);
    if (activation == kGelu) v = gelu(v);
    if (residual) v = Isa::add(v, load_some(residual + r * stride, 0, count));
    store_some(y + r * stride, 0, count, v);
  }
}

}  // namespace
}  // namespace flashvl
