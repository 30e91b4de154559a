// The kernels for AVX-512 with VNNI.
#include "isa-avx512.h"

#include "kernel-table.h"

namespace flashvl {

const KernelTable* avx512_kernels() {
  static const KernelTable table = make_table();
  return &table;
}

}  // namespace flashvl
