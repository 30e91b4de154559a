// The training kernels for NEON.
#include "isa-neon.h"
#include "train-factors-fp32.h"

#include "train-product.h"
#include "train-rowwise.h"

namespace flashvl {

const TrainKernels* neon_train_kernels() {
  static const TrainKernels kernels = {Isa::kName, make_product_kernels(), make_row_kernels()};
  return &kernels;
}

}  // namespace flashvl
