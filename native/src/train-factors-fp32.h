// Factors of products in fp32, for any instruction set `Isa`.
#pragma once

namespace flashvl {
namespace {

struct Factors {
  static constexpr const char* kName = "fp32";
  static constexpr int kGroup = 1;
  static constexpr int kExpTerms = 6;
  using Number = float;
  using Lanes = typename Isa::Floats;
  static inline Lanes load(const float* p) { return Isa::load_floats(p); }
  static inline Lanes broadcast(const float* p) { return Isa::splat_float(*p); }
  static inline typename Isa::Floats multiply_add(Lanes a, Lanes b, typename Isa::Floats sum) { return Isa::multiply_add(a, b, sum); }
  static inline void store(float* p, typename Isa::Floats v) { Isa::store(p, v); }
  static inline void store_pair(float*, typename Isa::Floats, typename Isa::Floats) {}
};

}  // namespace
}  // namespace flashvl
