// Attention of training, forward and backward: probabilities are never kept, only the logarithm of each row's sum.
#pragma once
#include "parallel.h"
#include "train-kernels.h"

namespace flashvl {

// Heads side by side in rows of q [batch, length, heads * size] and of k and v [batch, length, kv_heads * size].
struct TrainAttention {
  int64_t batch, length, heads, kv_heads, size;
  float scale;
  const float *q, *k, *v;
  // int32 [batch, length], or both null. Where given: token t sees u when u is not later, both have one segment, and u's branch is 0
  // or t's own.
  const int32_t *segments, *branches;
};

// out [batch, length, heads * size]; lse [batch, heads, length]: log2 of the sum of 2^(score log2 e). False: out of memory.
bool train_attention(const ProductKernels& kernels, const Parallel& parallel, const TrainAttention& a, float* out, float* lse);

// Gradients of q, k and v from that of `out`. False: out of memory.
bool train_attention_grad(const ProductKernels& kernels, const Parallel& parallel, const TrainAttention& a, const float* out, const float* lse,
                          const float* dout, float* dq, float* dk, float* dv);

}  // namespace flashvl
