// Factors of products in bfloat16 with fp32 sums, by the AVX-512 dot product of pairs.
#pragma once
#include <immintrin.h>
#include <string.h>

namespace flashvl {
namespace {

struct Factors {
  static constexpr const char* kName = "bf16";
  static constexpr int kGroup = 2;
  static constexpr int kExpTerms = 5;  // 3e-6, far below what the result is rounded to
  using Number = uint16_t;
  using Lanes = __m512i;  // 16 pairs
  static inline Lanes load(const uint16_t* p) { return _mm512_loadu_si512(p); }
  static inline Lanes broadcast(const uint16_t* p) {
    int32_t pair;
    memcpy(&pair, p, 4);
    return _mm512_set1_epi32(pair);
  }
  static inline __m512 multiply_add(Lanes a, Lanes b, __m512 sum) { return _mm512_dpbf16_ps(sum, (__m512bh)a, (__m512bh)b); }
  // Rounds to nearest even.
  static inline void store(uint16_t* p, __m512 v) { _mm256_storeu_si256((__m256i*)p, (__m256i)_mm512_cvtneps_pbh(v)); }
  // Pairs (even[i], odd[i]) side by side.
  static inline void store_pair(uint16_t* p, __m512 even, __m512 odd) {
    alignas(64) static constexpr uint16_t kInterleave[32] = {0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
    _mm512_storeu_si512(p, _mm512_permutexvar_epi16(_mm512_load_si512(kInterleave), (__m512i)_mm512_cvtne2ps_pbh(odd, even)));
  }
};

}  // namespace
}  // namespace flashvl
