// Attention with bfloat16 factors and fp32 sums, by the AVX-512 dot product of pairs.
#pragma once
#include <immintrin.h>

namespace flashvl {
namespace {

struct Numbers {
  static constexpr const char* kName = "bf16";
  static constexpr int kGroup = 2;
  static constexpr int kExpTerms = 4;  // 4e-5, far below what the result is rounded to
  using Packed = uint16_t;
  using Lanes = __m512i;  // 16 pairs

  static inline Lanes load(const uint16_t* p) { return _mm512_loadu_si512(p); }
  static inline Lanes broadcast(const uint16_t* p) {
    int32_t pair;
    memcpy(&pair, p, 4);
    return _mm512_set1_epi32(pair);
  }
  static inline __m512 multiply_add(Lanes a, Lanes w, __m512 sum) { return _mm512_dpbf16_ps(sum, (__m512bh)a, (__m512bh)w); }
  static inline __m256i round16(__m512 v) { return (__m256i)_mm512_cvtneps_pbh(v); }
  static inline void store16(uint16_t* p, __m512 v) { _mm256_storeu_si256((__m256i*)p, round16(v)); }
  static inline __m512 load_some(const float* x, int64_t count) {
    return _mm512_maskz_loadu_ps(count >= 16 ? 0xffff : count <= 0 ? 0 : (1u << count) - 1, x);
  }
  static inline void convert(const float* x, int64_t count, float factor, int64_t padded_count, uint16_t* out) {
    for (int64_t i = 0; i < padded_count; i += 16) store16(out + i, _mm512_mul_ps(load_some(x + i, count - i), _mm512_set1_ps(factor)));
  }
  // [rows <= 16, size] with a stride to [size / 2, 16, 2]: rounded row by row, then read column by column.
  static void pack_columns(const float* x, int64_t stride, int64_t rows, int64_t size, uint16_t* out) {
    constexpr int64_t kSlice = 64;  // columns at a time
    alignas(64) uint16_t rounded[16][kSlice];
    const __m512i lane = _mm512_mullo_epi32(_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15), _mm512_set1_epi32(kSlice / 2));
    for (int64_t first = 0; first < size; first += kSlice) {
      const int64_t count = size - first < kSlice ? size - first : kSlice;
      for (int64_t r = 0; r < 16; ++r) convert(r < rows ? x + r * stride + first : x, r < rows ? count : 0, 1, kSlice, rounded[r]);
      for (int64_t i = 0; i < (count + 1) / 2; ++i)
        _mm512_storeu_si512(out + (first / 2 + i) * 32, _mm512_i32gather_epi32(lane, (const int*)rounded + i, 4));
    }
  }
  // [rows, columns <= 16] with a stride to [padded rows / 2, 16, 2].
  static void pack_rows(const float* x, int64_t stride, int64_t rows, int64_t padded_rows, int64_t columns, uint16_t* out) {
    alignas(64) uint16_t index[32];
    for (int i = 0; i < 32; ++i) index[i] = uint16_t(i / 2 + i % 2 * 16);
    const __m512i interleave = _mm512_load_si512(index);
    for (int64_t r = 0; r < padded_rows; r += 2) {
      const __m512 even = load_some(x + r * stride, r < rows ? columns : 0), odd = load_some(x + (r + 1) * stride, r + 1 < rows ? columns : 0);
      _mm512_storeu_si512(out + r * 16, _mm512_permutexvar_epi16(interleave, (__m512i)_mm512_cvtne2ps_pbh(odd, even)));
    }
  }
};

}  // namespace
}  // namespace flashvl
