// The training kernels for AVX2.
#include "isa-avx2.h"
#include "train-factors-fp32.h"

#include "train-product.h"
#include "train-rowwise.h"

namespace flashvl {

const TrainKernels* avx2_train_kernels() {
  static const TrainKernels kernels = {Isa::kName, make_product_kernels(), make_row_kernels()};
  return &kernels;
}

}  // namespace flashvl
