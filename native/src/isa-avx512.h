// Sixteen lanes in AVX-512 registers, with the VNNI dot product of bytes.
#pragma once
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#include "isa-base.h"
#include "kernels.h"

namespace flashvl {
namespace {

struct Isa : IsaBase<Isa> {
  static constexpr const char* kName = "avx512";
  static constexpr int kTileRows = 6;    // 6 rows x 2 panels: 12 sums, 12 totals and 6 temporaries fit 32 registers
  static constexpr int kPanels = 2;
  static constexpr int kWideRows = 8;    // rows up to which a tile has all its panels
  static constexpr int kSingleRows = 10;  // measured: 8 rows gain a tenth over two tiles, 12 nothing
  static constexpr int kZeroPoint4 = 8;    // weights enter the dot product unsigned, so the sums start from -8 * sum(a)
  static constexpr int kZeroPoint8 = 128;
  static constexpr int kAttentionRows = 5, kAttentionPanels = 5;  // 25 sums, 5 panels and a row in 32 registers
  using Ints = __m512i;    // 16 x int32
  using Floats = __m512;   // 16 x fp32
  using Weights = __m512i; // 16 columns x 4 bytes

  static inline Ints splat(int32_t v) { return _mm512_set1_epi32(v); }
  static inline Weights load(const uint8_t* p) { return _mm512_loadu_si512(p); }
  static inline Weights low4(Weights w) { return _mm512_and_si512(w, _mm512_set1_epi8(15)); }
  static inline Weights high4(Weights w) { return _mm512_and_si512(_mm512_srli_epi32(w, 4), _mm512_set1_epi8(15)); }
  static inline Weights bytes8(Weights w) { return w; }
  // As assembly: around the intrinsic GCC 12 moves the sums through the stack, which costs a third of the speed.
  static inline Ints dot4(Ints sum, Weights w, int32_t a) {
    asm("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(w), "v"(_mm512_set1_epi32(a)));
    return sum;
  }
  static inline Ints dot8(Ints sum, Weights w, int32_t a) { return dot4(sum, w, a); }
  static inline void prefetch(const void* p) { _mm_prefetch((const char*)p, _MM_HINT_T0); }

  static inline Floats zero() { return _mm512_setzero_ps(); }
  static inline Floats to_floats(Ints v) { return _mm512_cvtepi32_ps(v); }
  static inline Floats load_floats(const float* p) { return _mm512_loadu_ps(p); }
  static inline Floats load_halves(const uint16_t* p) { return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i*)p)); }
  static inline void store_halves(uint16_t* p, Floats v) {  // a NaN passes: it is the second operand
    const Floats most = splat_float(kLargestHalf);
    v = _mm512_min_ps(most, _mm512_max_ps(_mm512_sub_ps(zero(), most), v));
    _mm256_storeu_si256((__m256i*)p, _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
  }
  static inline Floats scale(Floats v, float s) { return _mm512_mul_ps(v, _mm512_set1_ps(s)); }
  static inline Floats add(Floats a, Floats b) { return _mm512_add_ps(a, b); }
  static inline Floats multiply_add(Floats a, Floats b, Floats c) { return _mm512_fmadd_ps(a, b, c); }
  static inline void store(float* p, Floats v) { _mm512_storeu_ps(p, v); }
  static inline Floats multiply(Floats a, Floats b) { return _mm512_mul_ps(a, b); }
  static inline Floats divide(Floats a, Floats b) { return _mm512_div_ps(a, b); }

  static inline Floats splat_float(float v) { return _mm512_set1_ps(v); }
  static inline Floats maximum(Floats a, Floats b) { return _mm512_max_ps(a, b); }
  static inline float largest(Floats v) { return _mm512_reduce_max_ps(v); }
  static inline float total(Floats v) { return _mm512_reduce_add_ps(v); }
  // As in the base, in registers.
  template <typename Number>
  static inline void transpose16(const Number* x, int64_t stride, float* out) {
    __m512 r[16], t[16];
    FLASHVL_UNROLL
    for (int i = 0; i < 16; ++i) r[i] = load_numbers(x + i * stride);
    FLASHVL_UNROLL
    for (int i = 0; i < 16; i += 2) t[i] = _mm512_unpacklo_ps(r[i], r[i + 1]), t[i + 1] = _mm512_unpackhi_ps(r[i], r[i + 1]);
    FLASHVL_UNROLL
    for (int i = 0; i < 16; i += 4)
      FLASHVL_UNROLL
      for (int j = 0; j < 2; ++j) {
        const __m512d a = _mm512_castps_pd(t[i + j]), b = _mm512_castps_pd(t[i + 2 + j]);
        r[i + 2 * j] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, b)), r[i + 2 * j + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, b));
      }
    // r[4 g + c] holds columns c, 4 + c, 8 + c, 12 + c of rows 4 g to 4 g + 3.
    FLASHVL_UNROLL
    for (int c = 0; c < 4; ++c) {
      const __m512 low = _mm512_shuffle_f32x4(r[c], r[4 + c], 0x88), high = _mm512_shuffle_f32x4(r[8 + c], r[12 + c], 0x88);
      const __m512 low2 = _mm512_shuffle_f32x4(r[c], r[4 + c], 0xdd), high2 = _mm512_shuffle_f32x4(r[8 + c], r[12 + c], 0xdd);
      _mm512_storeu_ps(out + (c) * 16, _mm512_shuffle_f32x4(low, high, 0x88));
      _mm512_storeu_ps(out + (8 + c) * 16, _mm512_shuffle_f32x4(low, high, 0xdd));
      _mm512_storeu_ps(out + (4 + c) * 16, _mm512_shuffle_f32x4(low2, high2, 0x88));
      _mm512_storeu_ps(out + (12 + c) * 16, _mm512_shuffle_f32x4(low2, high2, 0xdd));
    }
  }
  // 2^x for x <= 0 by the Taylor series of 2^f, |f| <= 1/2.
  template <int kTerms>
  static inline Floats exp2(Floats x) {
    const Floats whole = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    return _mm512_scalef_ps(exp2_series<kTerms>(_mm512_sub_ps(x, whole)), whole);
  }
  template <int kTerms>
  static inline Floats exp2_series(Floats f) {
    Floats sum = splat_float(kExp2Terms[kTerms]);
    FLASHVL_UNROLL
    for (int i = kTerms - 1; i >= 0; --i) sum = multiply_add(sum, f, splat_float(kExp2Terms[i]));
    return sum;
  }

  // Largest |x| as the bits of a float: integer order is float order there, and NaN and infinity come out on top.
  static inline uint32_t abs_max_bits(const float* x, int64_t count) {
    __m512i most = _mm512_setzero_si512();
    const __m512i mask = _mm512_set1_epi32(0x7fffffff);
    for (int64_t i = 0; i < count; i += 16) most = _mm512_max_epu32(most, _mm512_and_si512(_mm512_loadu_si512(x + i), mask));
    return _mm512_reduce_max_epu32(most);
  }
  // 16 values, scaled and rounded to nearest even; returns their sum.
  static inline int32_t quantize16(const float* x, float factor, int8_t* out) {
    const __m512i q = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(x), _mm512_set1_ps(factor)));
    _mm_storeu_si128((__m128i*)out, _mm512_cvtsepi32_epi8(q));
    return _mm512_reduce_add_epi32(q);
  }
};

}  // namespace
}  // namespace flashvl
