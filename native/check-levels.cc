// Compares every instruction set of this processor with the portable one, bit for bit: for platforms where Node is not at
// hand, as under an emulator (native/README.md).
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <initializer_list>

extern "C" const char* flashvl_kernel_name(const char*);
extern "C" int flashvl_blockwise_matmul(const char*, int, const float*, int64_t, int64_t, int64_t, int, int64_t, const uint8_t*, const void*, int,
                                        const float*, float*);

static uint32_t state = 1;
static uint32_t next() { return state = state * 1664525u + 1013904223u, state >> 8; }

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
    printf("%s: %d products compared\n", level, checks);
  }
  printf("%d of %d differ\n", failures, checks);
  return failures != 0 || checks == 0;
}
