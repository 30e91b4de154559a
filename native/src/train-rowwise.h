// Functions of rows and of single elements in training, one pass each, for any instruction set `Isa`.
#pragma once
#include <math.h>
#include <string.h>

#include "train-kernels.h"

namespace flashvl {
namespace {

// body(i) over whole sixteens; the rest goes through `tail`, a body over copies of the last elements.
template <int kInputs, int kOutputs, typename Body>
inline void each16(const float* const (&in)[kInputs], float* const (&out)[kOutputs], int64_t count, const Body& body) {
  int64_t i = 0;
  for (; i + 16 <= count; i += 16) {
    Floats x[kInputs], y[kOutputs];
    for (int j = 0; j < kInputs; ++j) x[j] = Isa::load_floats(in[j] + i);
    body(x, y);
    for (int j = 0; j < kOutputs; ++j) Isa::store(out[j] + i, y[j]);
  }
  if (i == count) return;
  Floats x[kInputs], y[kOutputs];
  for (int j = 0; j < kInputs; ++j) x[j] = load_some(in[j] + i, count - i);
  body(x, y);
  for (int j = 0; j < kOutputs; ++j) {
    alignas(64) float lanes[16];
    Isa::store(lanes, y[j]);
    memcpy(out[j] + i, lanes, size_t(count - i) * 4);
  }
}

// 1 / (1 + exp(-z)). The exponent is kept where 2^x has one.
inline Floats sigmoid(Floats z) {
  const Floats t = Isa::maximum(Isa::scale(z, 1.44269504f), Isa::splat_float(-126));
  const Floats e = Isa::template exp2<6>(Isa::scale(t, -1));
  return Isa::divide(Isa::splat_float(1), Isa::add(e, Isa::splat_float(1)));
}

// GELU by tanh is x sigmoid(2u), u = sqrt(2 / pi) (x + 0.044715 x^3), since (1 + tanh u) / 2 = sigmoid(2u).
constexpr float kGelu = 1.59576912f, kGeluCubic = 0.0713548163f;
inline Floats gelu_sigmoid(Floats x) {
  const Floats xx = Isa::multiply(x, x);
  return sigmoid(Isa::multiply(x, Isa::multiply_add(xx, Isa::splat_float(kGeluCubic), Isa::splat_float(kGelu))));
}

void gelu(const float* x, float* y, int64_t count) {
  each16<1, 1>({x}, {y}, count, [](const Floats* in, Floats* out) { out[0] = Isa::multiply(in[0], gelu_sigmoid(in[0])); });
}

// d/dx x s(z) = s + x s (1 - s) z'
void gelu_grad(const float* x, const float* g, float* dx, int64_t count) {
  each16<2, 1>({x, g}, {dx}, count, [](const Floats* in, Floats* out) {
    const Floats x = in[0], s = gelu_sigmoid(x), xx = Isa::multiply(x, x);
    const Floats slope = Isa::multiply_add(xx, Isa::splat_float(3 * kGeluCubic), Isa::splat_float(kGelu));
    const Floats rest = Isa::multiply_add(Isa::scale(s, -1), s, s);
    out[0] = Isa::multiply(in[1], Isa::multiply_add(Isa::multiply(x, rest), slope, s));
  });
}

// y = a sigmoid(a) b
void gate(const float* a, const float* b, float* y, int64_t count) {
  each16<2, 1>({a, b}, {y}, count, [](const Floats* in, Floats* out) { out[0] = Isa::multiply(Isa::multiply(in[0], sigmoid(in[0])), in[1]); });
}

void gate_grad(const float* a, const float* b, const float* g, float* da, float* db, int64_t count) {
  each16<3, 2>({a, b, g}, {da, db}, count, [](const Floats* in, Floats* out) {
    const Floats s = sigmoid(in[0]), y = Isa::multiply(in[0], s);
    const Floats slope = Isa::multiply_add(y, Isa::add(Isa::splat_float(1), Isa::scale(s, -1)), s);
    out[0] = Isa::multiply(Isa::multiply(in[2], in[1]), slope);
    out[1] = Isa::multiply(in[2], y);
  });
}

// body(i, count) over the sixteens of a row.
template <typename Body>
inline void along(int64_t width, const Body& body) {
  for (int64_t i = 0; i < width; i += 16) body(i, width - i < 16 ? width - i : 16);
}
inline void store_some(float* p, Floats v, int64_t count) {
  if (count == 16) return Isa::store(p, v);
  alignas(64) float lanes[16];
  Isa::store(lanes, v);
  memcpy(p, lanes, size_t(count) * 4);
}
// Lanes past `count` to `fill`.
inline Floats fill_rest(Floats v, int64_t count, float fill) {
  if (count == 16) return v;
  alignas(64) float lanes[16];
  Isa::store(lanes, v);
  for (int64_t i = count; i < 16; ++i) lanes[i] = fill;
  return Isa::load_floats(lanes);
}

// LayerNorm, or without `mean` RMSNorm: y = (x - mean) rstd w + b.
void norm(const float* x, const float* w, const float* b, float epsilon, int64_t rows, int64_t width, float* y, float* mean, float* rstd) {
  for (int64_t r = 0; r < rows; ++r, x += width, y += width) {
    float middle = 0;
    if (mean) {
      Floats sum = Isa::zero();
      along(width, [&](int64_t i, int64_t n) { sum = Isa::add(sum, load_some(x + i, n)); });
      mean[r] = middle = Isa::total(sum) / float(width);
    }
    const Floats shift = Isa::splat_float(-middle);
    Floats squares = Isa::zero();
    along(width, [&](int64_t i, int64_t n) {
      const Floats d = fill_rest(Isa::add(load_some(x + i, n), shift), n, 0);
      squares = Isa::multiply_add(d, d, squares);
    });
    rstd[r] = 1 / sqrtf(Isa::total(squares) / float(width) + epsilon);
    along(width, [&](int64_t i, int64_t n) {
      const Floats hat = Isa::scale(Isa::add(load_some(x + i, n), shift), rstd[r]);
      store_some(y + i, Isa::multiply_add(hat, load_some(w + i, n), b ? load_some(b + i, n) : Isa::zero()), n);
    });
  }
}

// With hat = (x - mean) rstd and h = g w: dx = rstd (h - mean(h) - hat mean(h hat)), without the middle term where there is no mean.
// Adds to dw and db (null where there is none).
void norm_grad(const float* x, const float* w, const float* mean, const float* rstd, const float* g, int64_t rows, int64_t width, float* dx,
               float* dw, float* db) {
  for (int64_t r = 0; r < rows; ++r, x += width, g += width, dx += width) {
    const Floats shift = Isa::splat_float(mean ? -mean[r] : 0);
    const auto hat = [&](int64_t i, int64_t n) { return Isa::scale(fill_rest(Isa::add(load_some(x + i, n), shift), n, 0), rstd[r]); };
    Floats sum = Isa::zero(), product = Isa::zero();
    along(width, [&](int64_t i, int64_t n) {
      const Floats grad = load_some(g + i, n), normed = hat(i, n), h = Isa::multiply(grad, load_some(w + i, n));
      sum = Isa::add(sum, h);
      product = Isa::multiply_add(h, normed, product);
      store_some(dw + i, Isa::multiply_add(grad, normed, load_some(dw + i, n)), n);
      if (db) store_some(db + i, Isa::add(grad, load_some(db + i, n)), n);
    });
    const Floats centre = Isa::splat_float(mean ? -Isa::total(sum) / float(width) : 0), tilt = Isa::splat_float(-Isa::total(product) / float(width));
    along(width, [&](int64_t i, int64_t n) {
      const Floats h = Isa::multiply_add(load_some(g + i, n), load_some(w + i, n), centre);
      store_some(dx + i, Isa::scale(Isa::multiply_add(hat(i, n), tilt, h), rstd[r]), n);
    });
  }
}

// out = log softmax(logits)[target]; lse = log sum exp(logits).
void log_prob(const float* logits, const int64_t* targets, int64_t rows, int64_t width, float* out, float* lse) {
  constexpr float kLog2E = 1.44269504f;
  for (int64_t r = 0; r < rows; ++r, logits += width) {
    Floats most = Isa::splat_float(logits[0]);
    along(width, [&](int64_t i, int64_t n) { most = Isa::maximum(most, fill_rest(load_some(logits + i, n), n, logits[0])); });
    const float largest = Isa::largest(most);
    const Floats shift = Isa::splat_float(-largest);
    Floats total = Isa::zero();
    along(width, [&](int64_t i, int64_t n) {
      const Floats e = Isa::template exp2<6>(Isa::scale(Isa::add(load_some(logits + i, n), shift), kLog2E));
      total = Isa::add(total, fill_rest(e, n, 0));
    });
    const float rest = logf(Isa::total(total));
    lse[r] = largest + rest;
    out[r] = logits[targets[r]] - largest - rest;
  }
}

// d = g (onehot(target) - softmax(logits))
void log_prob_grad(const float* logits, const int64_t* targets, const float* lse, const float* g, int64_t rows, int64_t width, float* d) {
  constexpr float kLog2E = 1.44269504f;
  for (int64_t r = 0; r < rows; ++r, logits += width, d += width) {
    if (g[r] == 0) {  // rows without weight are many
      memset(d, 0, size_t(width) * 4);
      continue;
    }
    const Floats shift = Isa::splat_float(-lse[r]);
    along(width, [&](int64_t i, int64_t n) {
      const Floats p = Isa::template exp2<6>(Isa::scale(Isa::add(load_some(logits + i, n), shift), kLog2E));
      store_some(d + i, Isa::scale(p, -g[r]), n);
    });
    d[targets[r]] += g[r];
  }
}

inline RowKernels make_row_kernels() { return {gelu, gelu_grad, gate, gate_grad, norm, norm_grad, log_prob, log_prob_grad}; }

}  // namespace
}  // namespace flashvl
