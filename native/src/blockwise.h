// Matrix product of fp32 rows with blockwise 4 or 8 bit weights.
#pragma once
#include "kernels.h"
#include "parallel.h"

namespace flashvl {

inline PackedWeights packed_weights(const void* values, const void* scales, bool half_scales, int bits, int64_t n, int64_t k, int64_t block) {
  return {static_cast<const uint8_t*>(values), scales, half_scales, bits, n, k, block, (k + block - 1) / block, (n + kPanelColumns - 1) / kPanelColumns};
}

// What is computed with a product in the same pass over its rows.
struct Fusion {
  Norm norm;
  Activation activation = kNoActivation;
  const float* residual = nullptr;  // added last, shaped like y
};

// y [m, n] = x [m, k] w^T + bias; [m, n / 2] with kSwiGlu, whose n is a multiple of 32. Rows are contiguous; bias may be null.
// False: out of memory, y is untouched.
bool blockwise_matmul(const KernelTable& kernels, const Parallel& parallel, const float* x, int64_t m, const PackedWeights& w,
                      const float* bias, float* y, const Fusion& fusion = {});

}  // namespace flashvl
