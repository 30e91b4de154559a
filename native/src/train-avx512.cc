// The training kernels for AVX-512.
#include "isa-avx512.h"
#include "train-factors-fp32.h"

#include "train-product.h"
#include "train-rowwise.h"

namespace flashvl {

const TrainKernels* avx512_train_kernels() {
  static const TrainKernels kernels = {Isa::kName, make_product_kernels(), make_row_kernels()};
  return &kernels;
}

}  // namespace flashvl
