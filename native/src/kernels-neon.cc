// The kernels for NEON with the byte dot product.
#include "isa-neon.h"

#include "kernel-table.h"

namespace flashvl {

const KernelTable* neon_kernels() {
  static const KernelTable table = make_table();
  return &table;
}

}  // namespace flashvl
