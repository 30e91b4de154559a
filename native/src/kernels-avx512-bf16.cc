// Attention with bfloat16 factors, for AVX-512 processors that have their dot product.
#include "isa-avx512.h"
#include "numbers-bf16.h"

#include "attention-tile.h"

namespace flashvl {

const AttentionKernels* avx512_bf16_attention() {
  static const AttentionKernels kernels = make_attention();
  return &kernels;
}

}  // namespace flashvl
