// Products of training with bfloat16 factors, for AVX-512 processors that have their dot product.
#include "isa-avx512.h"
#include "train-factors-bf16.h"

#include "train-product.h"

namespace flashvl {

const ProductKernels* avx512_bf16_products() {
  static const ProductKernels kernels = make_product_kernels();
  return &kernels;
}

}  // namespace flashvl
