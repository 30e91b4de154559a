// Sixteen lanes in pairs of AVX2 registers; the dot product of bytes goes through 16-bit sums.
#pragma once
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#include "isa-base.h"
#include "kernels.h"

namespace flashvl {
namespace {

struct Isa : IsaBase<Isa> {
  static constexpr const char* kName = "avx2";
  static constexpr int kTileRows = 4;    // 4 rows x 1 panel: 8 of 16 registers hold sums
  static constexpr int kPanels = 1;
  static constexpr int kWideRows = 4;    // rows up to which a tile has all its panels
  static constexpr int kSingleRows = 0;
  static constexpr int kZeroPoint4 = 8;
  static constexpr int kZeroPoint8 = 0;  // 8-bit weights are made signed on loading
  static constexpr int kAttentionRows = 4, kAttentionPanels = 1;
  struct Ints { __m256i a, b; };
  struct Floats { __m256 a, b; };
  using Weights = Ints;

  static inline Ints splat(int32_t v) { return {_mm256_set1_epi32(v), _mm256_set1_epi32(v)}; }
  static inline Weights load(const uint8_t* p) { return {_mm256_loadu_si256((const __m256i*)p), _mm256_loadu_si256((const __m256i*)(p + 32))}; }
  static inline Weights low4(Weights w) {
    const __m256i mask = _mm256_set1_epi8(15);
    return {_mm256_and_si256(w.a, mask), _mm256_and_si256(w.b, mask)};
  }
  static inline Weights high4(Weights w) { return low4({_mm256_srli_epi32(w.a, 4), _mm256_srli_epi32(w.b, 4)}); }
  static inline Weights bytes8(Weights w) {
    const __m256i flip = _mm256_set1_epi8(-128);
    return {_mm256_xor_si256(w.a, flip), _mm256_xor_si256(w.b, flip)};
  }
  // Pairs of products fit 16 bits: 2 x 15 x 127 at 4 bits, 2 x 128 x 127 at 8.
  static inline __m256i dot(__m256i sum, __m256i positive, __m256i a) {
    return _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_maddubs_epi16(positive, a), _mm256_set1_epi16(1)));
  }
  static inline Ints dot4(Ints sum, Weights w, int32_t v) {
    const __m256i a = _mm256_set1_epi32(v);
    return {dot(sum.a, w.a, a), dot(sum.b, w.b, a)};
  }
  static inline Ints dot8(Ints sum, Weights w, int32_t v) {  // |w| x (a with the sign of w)
    const __m256i a = _mm256_set1_epi32(v);
    return {dot(sum.a, _mm256_abs_epi8(w.a), _mm256_sign_epi8(a, w.a)), dot(sum.b, _mm256_abs_epi8(w.b), _mm256_sign_epi8(a, w.b))};
  }
  static inline void prefetch(const void* p) { _mm_prefetch((const char*)p, _MM_HINT_T0); }

  static inline Floats zero() { return {_mm256_setzero_ps(), _mm256_setzero_ps()}; }
  static inline Floats to_floats(Ints v) { return {_mm256_cvtepi32_ps(v.a), _mm256_cvtepi32_ps(v.b)}; }
  static inline Floats load_floats(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
  static inline Floats load_halves(const uint16_t* p) {
    return {_mm256_cvtph_ps(_mm_loadu_si128((const __m128i*)p)), _mm256_cvtph_ps(_mm_loadu_si128((const __m128i*)(p + 8)))};
  }
  static inline __m128i halves(__m256 v) {  // a NaN passes: it is the second operand
    v = _mm256_min_ps(_mm256_set1_ps(kLargestHalf), _mm256_max_ps(_mm256_set1_ps(-kLargestHalf), v));
    return _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  }
  static inline void store_halves(uint16_t* p, Floats v) { _mm_storeu_si128((__m128i*)p, halves(v.a)), _mm_storeu_si128((__m128i*)(p + 8), halves(v.b)); }
  static inline Floats scale(Floats v, float s) { return {_mm256_mul_ps(v.a, _mm256_set1_ps(s)), _mm256_mul_ps(v.b, _mm256_set1_ps(s))}; }
  static inline Floats add(Floats x, Floats y) { return {_mm256_add_ps(x.a, y.a), _mm256_add_ps(x.b, y.b)}; }
  static inline Floats multiply_add(Floats x, Floats y, Floats z) { return {_mm256_fmadd_ps(x.a, y.a, z.a), _mm256_fmadd_ps(x.b, y.b, z.b)}; }
  static inline void store(float* p, Floats v) { _mm256_storeu_ps(p, v.a), _mm256_storeu_ps(p + 8, v.b); }
  static inline Floats multiply(Floats x, Floats y) { return {_mm256_mul_ps(x.a, y.a), _mm256_mul_ps(x.b, y.b)}; }
  static inline Floats divide(Floats x, Floats y) { return {_mm256_div_ps(x.a, y.a), _mm256_div_ps(x.b, y.b)}; }

  static inline Floats splat_float(float v) { return {_mm256_set1_ps(v), _mm256_set1_ps(v)}; }
  static inline Floats maximum(Floats x, Floats y) { return {_mm256_max_ps(x.a, y.a), _mm256_max_ps(x.b, y.b)}; }
  static inline float largest(Floats v) {
    float lanes[8], best;
    _mm256_storeu_ps(lanes, _mm256_max_ps(v.a, v.b));
    best = lanes[0];
    for (float lane : lanes) best = lane > best ? lane : best;
    return best;
  }
  static inline float total(Floats v) {
    float lanes[8], sum = 0;
    _mm256_storeu_ps(lanes, _mm256_add_ps(v.a, v.b));
    for (float lane : lanes) sum += lane;
    return sum;
  }
  // 2^x for x <= 0: the whole part goes into the exponent, the rest through the Taylor series.
  template <int kTerms>
  static inline Floats exp2(Floats x) { return {exp2_half<kTerms>(x.a), exp2_half<kTerms>(x.b)}; }
  template <int kTerms>
  static inline __m256 exp2_half(__m256 x) {
    const __m256 clamped = _mm256_max_ps(x, _mm256_set1_ps(-127));  // 2^-127 has the exponent bits of zero
    const __m256 whole = _mm256_round_ps(clamped, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC), f = _mm256_sub_ps(clamped, whole);
    __m256 sum = _mm256_set1_ps(kExp2Terms[kTerms]);
    FLASHVL_UNROLL
    for (int i = kTerms - 1; i >= 0; --i) sum = _mm256_fmadd_ps(sum, f, _mm256_set1_ps(kExp2Terms[i]));
    const __m256i power = _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(whole), _mm256_set1_epi32(127)), 23);
    return _mm256_mul_ps(sum, _mm256_castsi256_ps(power));
  }

  static inline uint32_t abs_max_bits(const float* x, int64_t count) {
    __m256i most = _mm256_setzero_si256();
    const __m256i mask = _mm256_set1_epi32(0x7fffffff);
    for (int64_t i = 0; i < count; i += 8) most = _mm256_max_epu32(most, _mm256_and_si256(_mm256_loadu_si256((const __m256i*)(x + i)), mask));
    uint32_t lanes[8], best = 0;
    _mm256_storeu_si256((__m256i*)lanes, most);
    for (uint32_t v : lanes) best = v > best ? v : best;
    return best;
  }
  static inline int32_t quantize16(const float* x, float factor, int8_t* out) {
    const __m256 f = _mm256_set1_ps(factor);
    const __m256i low = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x), f));
    const __m256i high = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x + 8), f));
    const __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(low, high), 0xd8);
    _mm_storeu_si128((__m128i*)out, _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1)));
    const __m256i sum = _mm256_add_epi32(low, high);
    int32_t lanes[8], total = 0;
    _mm256_storeu_si256((__m256i*)lanes, sum);
    for (int32_t v : lanes) total += v;
    return total;
  }
};

}  // namespace
}  // namespace flashvl
