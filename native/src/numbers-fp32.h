// Attention in fp32, for any instruction set `Isa`.
#pragma once

namespace flashvl {
namespace {

struct Numbers {
  static constexpr const char* kName = "fp32";
  static constexpr int kGroup = 1;
  static constexpr int kExpTerms = 6;
  using Packed = float;
  using Lanes = typename Isa::Floats;

  template <typename Number>  // float, or uint16_t: float16
  static inline Lanes load(const Number* p) { return Isa::load_numbers(p); }
  static inline typename Isa::Floats broadcast(const float* p) { return Isa::splat_float(*p); }
  static inline typename Isa::Floats multiply_add(typename Isa::Floats a, Lanes w, typename Isa::Floats sum) { return Isa::multiply_add(a, w, sum); }
  static inline void store16(float* p, typename Isa::Floats v) { Isa::store(p, v); }
  static inline void convert(const float* x, int64_t count, float factor, int64_t padded_count, float* out) {
    for (int64_t i = 0; i < padded_count; ++i) out[i] = i < count ? x[i] * factor : 0;
  }
  // [rows <= 16, size] with a stride to [size, 16].
  static void pack_columns(const float* x, int64_t stride, int64_t rows, int64_t size, float* out) {
    for (int64_t r = 0; r < 16; ++r)
      for (int64_t i = 0; i < size; ++i) out[i * 16 + r] = r < rows ? x[r * stride + i] : 0;
  }
  // [rows, columns <= 16] with a stride to [padded rows, 16].
  static void pack_rows(const float* x, int64_t stride, int64_t rows, int64_t padded_rows, int64_t columns, float* out) {
    for (int64_t r = 0; r < padded_rows; ++r)
      for (int64_t i = 0; i < 16; ++i) out[r * 16 + i] = r < rows && i < columns ? x[r * stride + i] : 0;
  }
};

}  // namespace
}  // namespace flashvl
