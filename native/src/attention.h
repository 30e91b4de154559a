// Attention of every query over every key, for vision towers.
#pragma once
#include "kernels.h"
#include "parallel.h"

namespace flashvl {

struct AttentionProblem {
  const float *q, *k, *v;
  float* out;           // [batch, length, heads * size]
  int64_t batch, length, heads, size;
  int64_t stride;       // floats from one position to the next in q, k and v
  float scale;
};

// out = softmax(q k^T * scale) v per head. False: out of memory.
bool full_attention(const AttentionKernels& kernels, const Parallel& parallel, const AttentionProblem& problem);

}  // namespace flashvl
