// Causal attention of new tokens over a KV cache, to which it appends their keys and values.
#pragma once
#include "kernels.h"
#include "parallel.h"

namespace flashvl {

struct CachedProblem {
  const float* qkv;             // [batch, tokens, (heads + 2 kv_heads) * size], before rotation
  void *keys, *values;          // [slots, kv_heads, capacity, size], in the kernels' numbers
  const int32_t* slots;         // [batch]: which row of the cache each sequence has
  const int32_t* last_positions;  // [batch]: position of each sequence's last new token
  const float *cos, *sin;       // [positions, size / 2]
  float* out;                   // [batch, tokens, heads * size]
  int64_t batch, tokens, heads, kv_heads, size, capacity;
  float scale;
};

// False: out of memory; the cache is then undefined behind the old tokens.
bool cached_attention(const CachedKernels& kernels, const Parallel& parallel, const CachedProblem& problem);

}  // namespace flashvl
