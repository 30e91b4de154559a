// The training kernels of the instruction set that inference chose.
#include <string.h>

#include "kernels.h"
#include "train-kernels.h"

namespace flashvl {

const TrainKernels* select_train_kernels(const char* name, const char** message) {
  const KernelTable* table = select_kernels(name, message);
  if (!table) return nullptr;
#if defined(__x86_64__)
  if (table == avx512_kernels()) return avx512_train_kernels();
  if (table == avx2_kernels()) return avx2_train_kernels();
#elif defined(__aarch64__)
  if (table == neon_kernels()) return neon_train_kernels();
#endif
  return portable_train_kernels();
}

const ProductKernels* bfloat16_products(const TrainKernels& kernels) {
#if defined(__x86_64__)
  if (&kernels == avx512_train_kernels() && half_precision_attention(*avx512_kernels())) return avx512_bf16_products();
#endif
  (void)kernels;
  return nullptr;
}

}  // namespace flashvl
