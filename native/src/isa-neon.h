// Sixteen lanes in four NEON registers, with the dot product of bytes of ARMv8.2.
#pragma once
#include <arm_neon.h>
#include <stdint.h>
#include <string.h>

#include "isa-base.h"
#include "kernels.h"

namespace flashvl {
namespace {

struct Isa : IsaBase<Isa> {
  static constexpr const char* kName = "neon";
  static constexpr int kTileRows = 4;    // 4 rows x 1 panel: 16 of 32 registers hold sums
  static constexpr int kPanels = 1;
  static constexpr int kWideRows = 4;    // rows up to which a tile has all its panels
  static constexpr int kSingleRows = 0;
  static constexpr int kZeroPoint4 = 0;  // the instruction takes signed bytes, so weights are made signed on loading
  static constexpr int kZeroPoint8 = 0;
  static constexpr int kAttentionRows = 4, kAttentionPanels = 1;
  struct Ints { int32x4_t v[4]; };
  struct Floats { float32x4_t v[4]; };
  struct Weights { uint8x16_t v[4]; };

  template <typename Out, typename Fn>
  static inline Out each(const Fn& fn) {
    Out out;
    for (int i = 0; i < 4; ++i) out.v[i] = fn(i);
    return out;
  }

  static inline Ints splat(int32_t x) { return each<Ints>([&](int) { return vdupq_n_s32(x); }); }
  static inline Weights load(const uint8_t* p) { return each<Weights>([&](int i) { return vld1q_u8(p + 16 * i); }); }
  static inline Weights low4(const Weights& w) { return each<Weights>([&](int i) { return vsubq_u8(vandq_u8(w.v[i], vdupq_n_u8(15)), vdupq_n_u8(8)); }); }
  static inline Weights high4(const Weights& w) { return each<Weights>([&](int i) { return vsubq_u8(vshrq_n_u8(w.v[i], 4), vdupq_n_u8(8)); }); }
  static inline Weights bytes8(const Weights& w) { return each<Weights>([&](int i) { return veorq_u8(w.v[i], vdupq_n_u8(128)); }); }
  static inline Ints dot4(const Ints& sum, const Weights& w, int32_t four) {
    const int8x16_t a = vreinterpretq_s8_s32(vdupq_n_s32(four));
    return each<Ints>([&](int i) { return vdotq_s32(sum.v[i], vreinterpretq_s8_u8(w.v[i]), a); });
  }
  static inline Ints dot8(const Ints& sum, const Weights& w, int32_t four) { return dot4(sum, w, four); }
  static inline void prefetch(const void* p) { __builtin_prefetch(p); }

  static inline Floats zero() { return each<Floats>([](int) { return vdupq_n_f32(0); }); }
  static inline Floats to_floats(const Ints& x) { return each<Floats>([&](int i) { return vcvtq_f32_s32(x.v[i]); }); }
  static inline Floats load_floats(const float* p) { return each<Floats>([&](int i) { return vld1q_f32(p + 4 * i); }); }
  static inline Floats load_halves(const uint16_t* p) {
    return each<Floats>([&](int i) { return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p + 4 * i))); });
  }
  static inline void store_halves(uint16_t* p, const Floats& x) {
    for (int i = 0; i < 4; ++i) {
      const float32x4_t within = vminq_f32(vmaxq_f32(x.v[i], vdupq_n_f32(-kLargestHalf)), vdupq_n_f32(kLargestHalf));
      vst1_u16(p + 4 * i, vreinterpret_u16_f16(vcvt_f16_f32(within)));
    }
  }
  static inline Floats scale(const Floats& x, float s) { return each<Floats>([&](int i) { return vmulq_n_f32(x.v[i], s); }); }
  static inline Floats add(const Floats& x, const Floats& y) { return each<Floats>([&](int i) { return vaddq_f32(x.v[i], y.v[i]); }); }
  static inline Floats multiply_add(const Floats& x, const Floats& y, const Floats& z) {
    return each<Floats>([&](int i) { return vfmaq_f32(z.v[i], x.v[i], y.v[i]); });
  }
  static inline void store(float* p, const Floats& x) {
    for (int i = 0; i < 4; ++i) vst1q_f32(p + 4 * i, x.v[i]);
  }
  static inline Floats multiply(const Floats& x, const Floats& y) { return each<Floats>([&](int i) { return vmulq_f32(x.v[i], y.v[i]); }); }
  static inline Floats divide(const Floats& x, const Floats& y) { return each<Floats>([&](int i) { return vdivq_f32(x.v[i], y.v[i]); }); }

  static inline Floats splat_float(float v) { return each<Floats>([&](int) { return vdupq_n_f32(v); }); }
  static inline Floats maximum(const Floats& x, const Floats& y) { return each<Floats>([&](int i) { return vmaxq_f32(x.v[i], y.v[i]); }); }
  static inline float largest(const Floats& x) { return vmaxvq_f32(vmaxq_f32(vmaxq_f32(x.v[0], x.v[1]), vmaxq_f32(x.v[2], x.v[3]))); }
  static inline float total(const Floats& x) { return vaddvq_f32(vaddq_f32(vaddq_f32(x.v[0], x.v[1]), vaddq_f32(x.v[2], x.v[3]))); }
  // 2^x for x <= 0: the whole part goes into the exponent, the rest through the Taylor series.
  template <int kTerms>
  static inline Floats exp2(const Floats& x) {
    return each<Floats>([&](int i) {
      const float32x4_t clamped = vmaxq_f32(x.v[i], vdupq_n_f32(-127));  // 2^-127 has the exponent bits of zero
      const float32x4_t whole = vrndnq_f32(clamped), f = vsubq_f32(clamped, whole);
      float32x4_t sum = vdupq_n_f32(kExp2Terms[kTerms]);
      FLASHVL_UNROLL
      for (int j = kTerms - 1; j >= 0; --j) sum = vfmaq_f32(vdupq_n_f32(kExp2Terms[j]), sum, f);
      return vmulq_f32(sum, vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(vcvtq_s32_f32(whole), vdupq_n_s32(127)), 23)));
    });
  }

  static inline uint32_t abs_max_bits(const float* x, int64_t count) {
    uint32x4_t most = vdupq_n_u32(0);
    for (int64_t i = 0; i < count; i += 4) most = vmaxq_u32(most, vandq_u32(vreinterpretq_u32_f32(vld1q_f32(x + i)), vdupq_n_u32(0x7fffffff)));
    return vmaxvq_u32(most);
  }
  static inline int32_t quantize16(const float* x, float factor, int8_t* out) {
    int32x4_t q[4], sum = vdupq_n_s32(0);
    for (int i = 0; i < 4; ++i) {
      q[i] = vcvtnq_s32_f32(vmulq_n_f32(vld1q_f32(x + 4 * i), factor));
      sum = vaddq_s32(sum, q[i]);
    }
    const int16x8_t low = vcombine_s16(vqmovn_s32(q[0]), vqmovn_s32(q[1])), high = vcombine_s16(vqmovn_s32(q[2]), vqmovn_s32(q[3]));
    vst1q_s8(out, vcombine_s8(vqmovn_s16(low), vqmovn_s16(high)));
    return vaddvq_s32(sum);
  }
};

}  // namespace
}  // namespace flashvl
