// The kernels for AVX2 with FMA and F16C.
#include "isa-avx2.h"

#include "kernel-table.h"

namespace flashvl {

const KernelTable* avx2_kernels() {
  static const KernelTable table = make_table();
  return &table;
}

}  // namespace flashvl
