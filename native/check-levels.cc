// Compares every instruction set of this processor with the portable one, bit for bit but for exponentials: for platforms where
// Node is not at hand, as under an emulator (native/README.md).
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <initializer_list>

extern "C" const char* flashvl_kernel_name(const char*);
extern "C" int flashvl_blockwise_matmul(const char*, int, const float*, int64_t, int64_t, int64_t, int, int64_t, const uint8_t*, const void*, int,
                                        const float*, float*);

extern "C" int flashvl_cached_attention(const char*, int, int, const float*, void*, void*, const int32_t*, const int32_t*, const float*, const float*,
                                        float*, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, float);

static uint32_t state = 1;
static uint32_t next() { return state = state * 1664525u + 1013904223u, state >> 8; }

// Attention over the cache: keys and values must be the same bits, what comes out of the exponentials nearly.
static bool cached_attention_agrees(const char* level, int half) {
  constexpr int64_t kTokens = 270, kHeads = 4, kKvHeads = 2, kSize = 32, kWidth = (kHeads + 2 * kKvHeads) * kSize, kCount = kTokens * kKvHeads * kSize;
  static float qkv[kTokens * kWidth], cos[kTokens * kSize / 2], sin[kTokens * kSize / 2], out[2][kTokens * kHeads * kSize];
  static uint32_t cache[2][2][kCount];  // by level; keys and values, enough for either number
  for (float& v : qkv) v = float(next()) / (1 << 23) - 1;
  for (int i = 0; i < 9; ++i) {  // values beyond float16, at its ends, and between two of its numbers
    const float special[] = {1e9f, -INFINITY, 65519, 65520, 0x1p-24f, 0x1p-25f, 1e-40f, 1 + 0x1p-11f, 1 + 3 * 0x1p-11f};
    if (half) qkv[(kTokens - 1) * kWidth + (kHeads + kKvHeads) * kSize + i] = special[i];
  }
  for (int64_t i = 0; i < kTokens * kSize / 2; ++i) cos[i] = cosf(float(i) * 0.01f), sin[i] = sinf(float(i) * 0.01f);
  memset(cache, 0, sizeof cache);
  const int32_t slot = 0, last = kTokens - 1;
  for (int i = 0; i < 2; ++i)
    if (flashvl_cached_attention(i ? level : "portable", 1 + i, half, qkv, cache[i][0], cache[i][1], &slot, &last, cos, sin, out[i], 1, kTokens, kHeads,
                                 kKvHeads, kSize, kTokens, 0.2f))
      return false;
  // The last token sees the values above, whose size leaves no such bound.
  for (int64_t i = 0; i < (kTokens - 1) * kHeads * kSize; ++i)
    if (!(fabsf(out[0][i] - out[1][i]) < 1e-5f)) return false;
  return memcmp(cache[0], cache[1], sizeof cache[0]) == 0;
}

int main() {
  constexpr int64_t kMost = 1 << 16;
  static float x[kMost], scales[kMost], bias[kMost], wanted[kMost], found[kMost];
  static uint16_t halves[kMost];
  static uint8_t values[1 << 19];
  int failures = 0, checks = 0;
  for (const char* level : {"avx512", "avx2", "neon"}) {
    if (strcmp(flashvl_kernel_name(level), level)) continue;
    for (int round = 0; round < 200; ++round) {
      const int64_t m = 1 + next() % 20, n = 1 + next() % 600, k = 1 + next() % 400, block = 32 << next() % 3;
      const int bits = next() % 2 ? 4 : 8, half = next() % 2;
      for (int64_t i = 0; i < m * k; ++i) x[i] = float(next()) / (1 << 23) - 1;
      for (uint8_t& v : values) v = uint8_t(next());
      for (int64_t i = 0; i < kMost; ++i) scales[i] = float(next()) / (1 << 27), bias[i] = x[i], halves[i] = uint16_t(next() % 0x3c00);
      const void* s = half ? (const void*)halves : scales;
      flashvl_blockwise_matmul("portable", 1, x, m, n, k, bits, block, values, s, half, bias, wanted);
      memset(found, 0xff, sizeof found);
      flashvl_blockwise_matmul(level, 2, x, m, n, k, bits, block, values, s, half, bias, found);
      ++checks;
      if (memcmp(wanted, found, size_t(m * n) * 4)) ++failures, printf("%s differs: m %ld n %ld k %ld bits %d block %ld\n", level, (long)m, (long)n, (long)k, bits, (long)block);
    }
    for (const int half : {0, 1})
      if (++checks, !cached_attention_agrees(level, half)) ++failures, printf("%s differs: attention over a cache of float%d\n", level, half ? 16 : 32);
    printf("%s: %d checks so far\n", level, checks);
  }
  printf("%d of %d differ\n", failures, checks);
  return failures != 0 || checks == 0;
}
