// Matrix products of training: forward, and the gradients of both sides.
#pragma once
#include "parallel.h"
#include "train-kernels.h"

namespace flashvl {

// c [m, n] = a [m, k] b [k, n] + bias [n]; `sums` [m] = sums of the rows of a, which must then be transposed. bias and sums may be null.
struct Product {
  MatrixView a, b;
  int64_t m, n, k;
  const float* bias;
  float* c;
  float* sums;
};

// False: out of memory. Every element is summed in the order of k, whatever the number of threads.
bool train_product(const ProductKernels& kernels, const Parallel& parallel, const Product& p);

// c [rows, columns] = start + a b over the first `groups` groups of b, which was packed in blocks of panels of `packed_groups` groups,
// one after the other.
void product_block(const ProductKernels& kernels, const LeftRows& a, int64_t rows, const void* b, int64_t groups, int64_t packed_groups,
                   int64_t columns, float* c, int64_t c_stride, const float* start, int64_t start_stride);

// Bytes that `columns` columns and `depth` values of k take on the right side.
int64_t right_bytes(const ProductKernels& kernels, int64_t columns, int64_t depth);
// Packs all columns of b in blocks of panels.
void pack_right_blocks(const ProductKernels& kernels, const MatrixView& b, int64_t k, int64_t depth, int64_t columns, void* out);

}  // namespace flashvl
