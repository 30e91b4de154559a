// What the ops of training share: the choice of kernels, and access to their inputs.
#pragma once
#include "ort-op.h"
#include "train-kernels.h"

namespace flashvl {
namespace ort {

inline Status* load_train_kernels(const Api& api, const TrainKernels** out) {
  const char* message = nullptr;
  *out = select_train_kernels(getenv("FLASHVL_KERNEL"), &message);
  return *out ? nullptr : api.error(message);
}

// Products in fp32, or with bfloat16 factors where the attribute `bf16` is 1 and the processor has them.
inline Status* load_products(const Api& api, const KernelInfo* info, const ProductKernels** out) {
  const TrainKernels* kernels = nullptr;
  FLASHVL_TRY(load_train_kernels(api, &kernels));
  int64_t bf16 = 0;
  FLASHVL_TRY(api.attribute_int(info, "bf16", &bf16));
  *out = bf16 ? bfloat16_products(*kernels) : &kernels->fp32;
  return *out ? nullptr : api.error("flashvl: this processor has no bfloat16 products: build the graph in float32");
}

inline const float* floats(const Tensor& tensor) { return static_cast<const float*>(tensor.data); }
// Elements of a row along the last axis, and the count of such rows.
inline int64_t width_of(const Tensor& t) { return t.rank ? t.dims[t.rank - 1] : 1; }
inline int64_t rows_of(const Tensor& t) { return width_of(t) ? t.count / width_of(t) : 0; }

// Reads the first `kCount` inputs.
template <size_t kCount>
Status* read_inputs(const Api& api, const KernelContext* context, Tensor (&out)[kCount]) {
  for (size_t i = 0; i < kCount; ++i) FLASHVL_TRY(read_input(api, context, i, out[i]));
  return nullptr;
}

}  // namespace ort
}  // namespace flashvl
