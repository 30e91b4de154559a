// Sixteen lanes in plain C++, for every other processor and as the reference of the others.
#pragma once
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "isa-base.h"
#include "kernels.h"

namespace flashvl {
namespace {

struct Isa : IsaBase<Isa> {
  static constexpr const char* kName = "portable";
  static constexpr int kTileRows = 2;
  static constexpr int kPanels = 1;
  static constexpr int kWideRows = 2;    // rows up to which a tile has all its panels
  static constexpr int kSingleRows = 0;
  static constexpr int kZeroPoint4 = 8;
  static constexpr int kZeroPoint8 = 128;
  static constexpr int kAttentionRows = 2, kAttentionPanels = 1;
  struct Ints { int32_t v[16]; };
  struct Floats { float v[16]; };
  struct Weights { uint8_t v[64]; };

  template <typename Out, typename Fn>
  static inline Out each(const Fn& fn) {
    Out out;
    for (int i = 0; i < 16; ++i) out.v[i] = fn(i);
    return out;
  }

  static inline Ints splat(int32_t v) { return each<Ints>([&](int) { return v; }); }
  static inline Weights load(const uint8_t* p) {
    Weights w;
    memcpy(w.v, p, 64);
    return w;
  }
  static inline Weights low4(Weights w) {
    for (uint8_t& v : w.v) v &= 15;
    return w;
  }
  static inline Weights high4(Weights w) {
    for (uint8_t& v : w.v) v >>= 4;
    return w;
  }
  static inline Weights bytes8(Weights w) { return w; }
  static inline Ints dot4(Ints sum, Weights w, int32_t four) {
    int8_t a[4];
    memcpy(a, &four, 4);
    for (int i = 0; i < 16; ++i)
      sum.v[i] += w.v[4 * i] * a[0] + w.v[4 * i + 1] * a[1] + w.v[4 * i + 2] * a[2] + w.v[4 * i + 3] * a[3];
    return sum;
  }
  static inline Ints dot8(Ints sum, Weights w, int32_t four) { return dot4(sum, w, four); }
  static inline void prefetch(const void*) {}

  static inline float half_to_float(uint16_t h) {
    const uint32_t sign = uint32_t(h & 0x8000) << 16, exponent = h >> 10 & 31, fraction = h & 1023;
    if (exponent == 0) return (sign ? -1.0f : 1.0f) * float(fraction) * 0x1p-24f;
    const uint32_t bits = sign | (exponent == 31 ? 0x7f800000u : (exponent + 112) << 23) | fraction << 13;
    float value;
    memcpy(&value, &bits, 4);
    return value;
  }
  static inline uint16_t float_to_half(float value) {
    uint32_t bits;
    memcpy(&bits, &value, 4);
    const uint32_t sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000) return uint16_t(sign | 0x7e00 | (magnitude >> 13 & 0x1ff));  // NaN
    if (value > kLargestHalf || value < -kLargestHalf) return uint16_t(sign | 0x7bff);
    if (magnitude < 0x38800000) return uint16_t(sign | uint32_t(lrintf(fabsf(value) * 0x1p24f)));  // below 2^-14: steps of 2^-24
    return uint16_t(sign | (magnitude - 0x38000000 + 0xfff + (magnitude >> 13 & 1)) >> 13);
  }
  static inline Floats zero() { return each<Floats>([](int) { return 0.0f; }); }
  static inline Floats to_floats(Ints x) { return each<Floats>([&](int i) { return float(x.v[i]); }); }
  static inline Floats load_floats(const float* p) { return each<Floats>([&](int i) { return p[i]; }); }
  static inline Floats load_halves(const uint16_t* p) { return each<Floats>([&](int i) { return half_to_float(p[i]); }); }
  static inline void store_halves(uint16_t* p, Floats x) {
    for (int i = 0; i < 16; ++i) p[i] = float_to_half(x.v[i]);
  }
  static inline Floats scale(Floats x, float s) { return each<Floats>([&](int i) { return x.v[i] * s; }); }
  static inline Floats add(Floats x, Floats y) { return each<Floats>([&](int i) { return x.v[i] + y.v[i]; }); }
  static inline Floats multiply_add(Floats x, Floats y, Floats z) { return each<Floats>([&](int i) { return fmaf(x.v[i], y.v[i], z.v[i]); }); }
  static inline void store(float* p, Floats x) { memcpy(p, x.v, 64); }
  static inline Floats multiply(Floats x, Floats y) { return each<Floats>([&](int i) { return x.v[i] * y.v[i]; }); }
  static inline Floats divide(Floats x, Floats y) { return each<Floats>([&](int i) { return x.v[i] / y.v[i]; }); }

  static inline Floats splat_float(float v) { return each<Floats>([&](int) { return v; }); }
  static inline Floats maximum(Floats x, Floats y) { return each<Floats>([&](int i) { return x.v[i] > y.v[i] ? x.v[i] : y.v[i]; }); }
  static inline float largest(Floats x) {
    float best = x.v[0];
    for (float v : x.v) best = v > best ? v : best;
    return best;
  }
  static inline float total(Floats x) {
    float sum = 0;
    for (float v : x.v) sum += v;
    return sum;
  }
  template <int>
  static inline Floats exp2(Floats x) { return each<Floats>([&](int i) { return exp2f(x.v[i]); }); }

  static inline uint32_t abs_max_bits(const float* x, int64_t count) {
    uint32_t most = 0;
    for (int64_t i = 0; i < count; ++i) {
      uint32_t bits;
      memcpy(&bits, x + i, 4);
      bits &= 0x7fffffff;
      if (bits > most) most = bits;
    }
    return most;
  }
  static inline int32_t quantize16(const float* x, float factor, int8_t* out) {
    int32_t sum = 0;
    for (int i = 0; i < 16; ++i) {
      out[i] = (int8_t)lrintf(x[i] * factor);
      sum += out[i];
    }
    return sum;
  }
};

}  // namespace
}  // namespace flashvl
