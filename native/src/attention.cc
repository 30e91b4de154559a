// Spreads full attention over threads: first heads are packed, then blocks of query rows are computed.
#include "attention.h"

#include "scratch.h"

namespace flashvl {

bool full_attention(const AttentionKernels& kernels, const Parallel& parallel, const AttentionProblem& p) {
  const int64_t heads = p.batch * p.heads;
  if (heads <= 0 || p.length <= 0 || p.size <= 0) return true;
  const auto head_at = [&](int64_t h) {
    const int64_t in = h / p.heads * p.length * p.stride + h % p.heads * p.size;
    const int64_t out_stride = p.heads * p.size;
    return AttentionHead{p.q + in, p.k + in, p.v + in, p.out + h / p.heads * p.length * out_stride + h % p.heads * p.size, p.stride, out_stride, p.length, p.size, p.scale};
  };
  const int64_t packed_bytes = (kernels.packed_bytes(head_at(0)) + 63) & ~int64_t(63);
  Scratch packed(size_t(heads * packed_bytes));
  if (!packed.data()) return false;
  parallel(size_t(heads), [&](size_t h) { kernels.pack(head_at(int64_t(h)), packed.data() + int64_t(h) * packed_bytes); });

  const int64_t blocks = (p.length + kAttentionBlockRows - 1) / kAttentionBlockRows;
  const size_t scratch_bytes = size_t(kernels.scratch_bytes(head_at(0)));
  bool failed = false;
  parallel(size_t(heads * blocks), [&](size_t task) {
    const int64_t h = int64_t(task) / blocks, block = int64_t(task) % blocks;
    const int64_t first = block * p.length / blocks, rows = (block + 1) * p.length / blocks - first;
    Scratch scratch(scratch_bytes);
    if (!scratch.data()) return void(__atomic_store_n(&failed, true, __ATOMIC_RELAXED));
    kernels.rows(head_at(h), packed.data() + h * packed_bytes, scratch.data(), first, rows);
  });
  return !failed;
}

}  // namespace flashvl
