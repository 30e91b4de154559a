// The kernels for any processor.
#include "isa-portable.h"

#include "kernel-table.h"

namespace flashvl {

const KernelTable* portable_kernels() {
  static const KernelTable table = make_table();
  return &table;
}

}  // namespace flashvl
