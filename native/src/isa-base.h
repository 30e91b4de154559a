// What every instruction set does alike, by its own loads and stores: `struct Isa : IsaBase<Isa>`.
#pragma once
#include <stdint.h>

namespace flashvl {

template <typename Self>
struct IsaBase {
  // 16 numbers of the cache, float32 or float16, as floats.
  static inline auto load_numbers(const float* p) { return Self::load_floats(p); }
  static inline auto load_numbers(const uint16_t* p) { return Self::load_halves(p); }
  // 16 rows of 16 numbers, `stride` apart, as 16 rows of their columns.
  template <typename Number>
  static inline void transpose16(const Number* x, int64_t stride, float* out) {
    alignas(64) float row[16];
    for (int i = 0; i < 16; ++i) {
      Self::store(row, load_numbers(x + i * stride));
      for (int j = 0; j < 16; ++j) out[j * 16 + i] = row[j];
    }
  }
};

}  // namespace flashvl
