// The training kernels for any processor.
#include "isa-portable.h"
#include "train-factors-fp32.h"

#include "train-product.h"
#include "train-rowwise.h"

namespace flashvl {

const TrainKernels* portable_train_kernels() {
  static const TrainKernels kernels = {Isa::kName, make_product_kernels(), make_row_kernels()};
  return &kernels;
}

}  // namespace flashvl
