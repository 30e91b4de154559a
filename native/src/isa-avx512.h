// Sixteen lanes in AVX-512 registers, with the VNNI dot product of bytes.
#pragma once
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

namespace flashvl {
namespace {

struct Isa {
  static constexpr const char* kName = "avx512";
  static constexpr int kTileRows = 6;    // 6 rows x 2 panels: 12 sums, 12 totals and 6 temporaries fit 32 registers
  static constexpr int kPanels = 2;
  static constexpr int kZeroPoint4 = 8;    // weights enter the dot product unsigned, so the sums start from -8 * sum(a)
  static constexpr int kZeroPoint8 = 128;
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
  static inline Floats scale(Floats v, float s) { return _mm512_mul_ps(v, _mm512_set1_ps(s)); }
  static inline Floats add(Floats a, Floats b) { return _mm512_add_ps(a, b); }
  static inline Floats multiply_add(Floats a, Floats b, Floats c) { return _mm512_fmadd_ps(a, b, c); }
  static inline void store(float* p, Floats v) { _mm512_storeu_ps(p, v); }

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
