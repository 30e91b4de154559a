// Spreads attention over a KV cache over threads: tokens are rotated and appended, then chunks of keys meet blocks of query rows.
#include "cached-attention.h"

#include "scratch.h"

namespace flashvl {
namespace {

// Query rows that meet a chunk together: their scores and queries stay in the second-level cache.
constexpr int64_t kBlockRows = 48;
// Tokens that one thread rotates and appends sooner than another is woken.
constexpr int64_t kSerialTokens = 32;

struct Plan {
  const CachedProblem& p;
  int64_t group, block_tokens, blocks, block_rows;
  explicit Plan(const CachedProblem& problem) : p(problem) {
    group = p.heads / p.kv_heads;
    block_tokens = group < kBlockRows ? kBlockRows / group : 1;
    if (block_tokens > p.tokens) block_tokens = p.tokens;
    blocks = (p.tokens + block_tokens - 1) / block_tokens;
    block_rows = block_tokens * group;
  }
  int64_t first_position(int64_t b) const { return p.last_positions[b] + 1 - p.tokens; }
  int64_t result_floats() const { return block_rows * (p.size + 2); }
  ChunkResult result(float* data) const { return {data, data + block_rows * p.size, data + block_rows * (p.size + 1)}; }
  // Rotated queries: [batch, kv_heads, tokens, group, size].
  int64_t query_offset(int64_t b, int64_t kv, int64_t t) const { return ((b * p.kv_heads + kv) * p.tokens + t) * group * p.size; }

  char* cached(const CachedKernels& kernels, void* numbers, int64_t b, int64_t kv, int64_t position) const {
    return static_cast<char*>(numbers) + ((p.slots[b] * p.kv_heads + kv) * p.capacity + position) * p.size * kernels.number_bytes;
  }

  // `key` is room for one.
  void append(const CachedKernels& kernels, int64_t b, int64_t t, float* queries, float* key) const {
    constexpr float kLog2E = 1.44269504f;  // scores in base 2
    const int64_t position = first_position(b) + t, half = p.size / 2;
    const float *cos = p.cos + position * half, *sin = p.sin + position * half;
    const float* row = p.qkv + (b * p.tokens + t) * (p.heads + 2 * p.kv_heads) * p.size;
    for (int64_t h = 0; h < p.heads; ++h)
      kernels.rotate(row + h * p.size, cos, sin, half, p.scale * kLog2E, queries + query_offset(b, h / group, t) + h % group * p.size);
    for (int64_t kv = 0; kv < p.kv_heads; ++kv) {
      kernels.rotate(row + (p.heads + kv) * p.size, cos, sin, half, 1, key);
      kernels.keep(key, p.size, cached(kernels, p.keys, b, kv, position));
      kernels.keep(row + (p.heads + p.kv_heads + kv) * p.size, p.size, cached(kernels, p.values, b, kv, position));
    }
  }

  // Keys that the last token of a block sees.
  int64_t seen(int64_t b, int64_t block) const {
    const int64_t last = (block + 1) * block_tokens < p.tokens ? (block + 1) * block_tokens : p.tokens;
    return first_position(b) + last;
  }

  CacheChunk chunk(const CachedKernels& kernels, int64_t b, int64_t kv, int64_t block, int64_t first, const float* queries) const {
    const void *keys_at = cached(kernels, p.keys, b, kv, first), *values_at = cached(kernels, p.values, b, kv, first);
    const int64_t token = block * block_tokens;
    const int64_t tokens = p.tokens - token < block_tokens ? p.tokens - token : block_tokens;
    const int64_t keys = seen(b, block) - first < kCacheChunk ? seen(b, block) - first : kCacheChunk;
    return {queries + query_offset(b, kv, token), keys_at, values_at, tokens * group, group, keys, p.size, first_position(b) + token + 1 - first};
  }

  void write(int64_t b, int64_t kv, int64_t block, const ChunkResult& found) const {
    const int64_t token = block * block_tokens;
    for (int64_t t = token, r = 0; t < p.tokens && t < token + block_tokens; ++t)
      for (int64_t g = 0; g < group; ++g, ++r) {
        float* out = p.out + ((b * p.tokens + t) * p.heads + kv * group + g) * p.size;
        const float share = 1.0f / found.sum[r];
        for (int64_t d = 0; d < p.size; ++d) out[d] = found.mixed[r * p.size + d] * share;
      }
  }
};

}  // namespace

bool cached_attention(const CachedKernels& kernels, const Parallel& parallel, const CachedProblem& p) {
  if (p.batch <= 0 || p.tokens <= 0) return true;
  const Plan plan(p);
  Scratch queries(size_t(p.batch * p.tokens * (p.heads + 1) * p.size) * sizeof(float));
  if (!queries.data()) return false;
  float* q = reinterpret_cast<float*>(queries.data());
  float* turned = q + p.batch * p.tokens * p.heads * p.size;
  const auto append = [&](size_t i) { plan.append(kernels, int64_t(i) / p.tokens, int64_t(i) % p.tokens, q, turned + int64_t(i) * p.size); };
  if (p.batch * p.tokens <= kSerialTokens)
    for (int64_t i = 0; i < p.batch * p.tokens; ++i) append(size_t(i));
  else
    parallel(size_t(p.batch * p.tokens), append);

  // A single block's chunks are spread over the threads and merged afterwards; of many blocks, each merges as it goes. Either
  // way chunks are merged in their order.
  int64_t chunks = 1;
  for (int64_t b = 0; b < p.batch && plan.blocks == 1; ++b) {
    const int64_t own = (p.last_positions[b] + kCacheChunk) / kCacheChunk;
    chunks = own > chunks ? own : chunks;
  }
  const int64_t units = p.batch * p.kv_heads * plan.blocks;
  const size_t work_floats = size_t(kernels.scratch_floats(plan.block_rows, p.size));
  Scratch results(size_t(plan.blocks == 1 ? units * chunks * plan.result_floats() : 1) * sizeof(float));
  if (!results.data()) return false;
  float* stored = reinterpret_cast<float*>(results.data());
  bool failed = false;
  parallel(size_t(units * chunks), [&](size_t task) {
    const int64_t unit = int64_t(task) % units, c = int64_t(task) / units;
    const int64_t b = unit / (p.kv_heads * plan.blocks), kv = unit / plan.blocks % p.kv_heads, block = unit % plan.blocks;
    const int64_t seen = plan.seen(b, block);
    if (c * kCacheChunk >= seen) return;
    Scratch work((work_floats + size_t(2 * plan.result_floats())) * sizeof(float));
    if (!work.data()) return void(__atomic_store_n(&failed, true, __ATOMIC_RELAXED));
    float* scratch = reinterpret_cast<float*>(work.data());
    if (plan.blocks == 1) return kernels.chunk(plan.chunk(kernels, b, kv, block, c * kCacheChunk, q), scratch, plan.result(stored + (unit * chunks + c) * plan.result_floats()));
    const ChunkResult all = plan.result(scratch + work_floats), one = plan.result(scratch + work_floats + plan.result_floats());
    for (int64_t first = 0; first < seen; first += kCacheChunk) {
      const CacheChunk chunk = plan.chunk(kernels, b, kv, block, first, q);
      kernels.chunk(chunk, scratch, first == 0 ? all : one);
      if (first > 0) kernels.merge(all, one, chunk.rows, p.size);
    }
    plan.write(b, kv, block, all);
  });
  if (failed) return false;
  if (plan.blocks > 1) return true;
  const auto finish = [&](size_t unit) {
    const int64_t b = int64_t(unit) / p.kv_heads;
    float* data = stored + int64_t(unit) * chunks * plan.result_floats();
    for (int64_t c = 1; c * kCacheChunk < plan.seen(b, 0); ++c)
      kernels.merge(plan.result(data), plan.result(data + c * plan.result_floats()), plan.block_rows, p.size);
    plan.write(b, int64_t(unit) % p.kv_heads, 0, plan.result(data));
  };
  if (units * chunks <= kSerialTokens)
    for (int64_t i = 0; i < units; ++i) finish(size_t(i));
  else
    parallel(size_t(units), finish);
  return true;
}

}  // namespace flashvl
