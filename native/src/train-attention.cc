// Attention of training by blocks of query rows (Dao et al., arXiv 2205.14135): the backward makes the probabilities again.
#include "train-attention.h"

#include "scratch.h"
#include "train-matmul.h"

namespace flashvl {
namespace {

// Query rows that share one pass over the keys: whole tiles of 6 and of 4 rows, and pairs.
constexpr int64_t kBlockRows = 48;
constexpr float kLog2E = 1.44269504f;
// Far below any score, so that its power of two is zero.
constexpr float kBlocked = -1e30f;

int64_t up(int64_t v, int64_t step) { return (v + step - 1) / step * step; }

// Cuts a buffer into aligned pieces; with a null buffer it only counts.
struct Pieces {
  char* at;
  size_t used = 0;
  template <typename T>
  T* take(int64_t count) {
    T* piece = reinterpret_cast<T*>(at + used);
    used += size_t(up(count * int64_t(sizeof(T)), 64));
    return piece;
  }
};

// One query head of one batch row, and its key head.
struct Head {
  const TrainAttention& a;
  int64_t b, h, kv;
  int64_t q_stride() const { return a.heads * a.size; }
  int64_t kv_stride() const { return a.kv_heads * a.size; }
  int64_t q_at(int64_t row) const { return (b * a.length + row) * q_stride() + h * a.size; }
  int64_t kv_at(int64_t row) const { return (b * a.length + row) * kv_stride() + kv * a.size; }
  MatrixView rows(const float* x, int64_t row) const { return {x + q_at(row), q_stride(), false}; }
  MatrixView keys(const float* x) const { return {x + kv_at(0), kv_stride(), false}; }
  MatrixView keys_transposed(const float* x) const { return {x + kv_at(0), kv_stride(), true}; }
  const float* lse_at(const float* lse, int64_t row) const { return lse + (b * a.heads + h) * a.length + row; }
  float* lse_at(float* lse, int64_t row) const { return lse + (b * a.heads + h) * a.length + row; }
  // Keys that rows before `end` may see, and those whose scores are computed: whole blocks, as they are packed.
  int64_t reach(int64_t end) const { return a.segments ? end : a.length; }
  int64_t scored(int64_t reach, int64_t block) const { return up(reach, block) < a.length ? up(reach, block) : a.length; }
  // Blocks what row `row` must not see among the first `count` keys.
  void mask(int64_t row, int64_t count, float* scores) const {
    if (!a.segments) return;
    const int32_t *segments = a.segments + b * a.length, *branches = a.branches + b * a.length;
    const int32_t segment = segments[row], branch = branches[row];
    for (int64_t u = 0; u < count; ++u) {
      const bool seen = (u <= row) & (segments[u] == segment) & ((branches[u] == 0) | (branches[u] == branch));
      scores[u] = seen ? scores[u] : kBlocked;
    }
  }
};

}  // namespace

bool train_attention(const ProductKernels& kernels, const Parallel& parallel, const TrainAttention& a, float* out, float* lse) {
  if (a.batch <= 0 || a.length <= 0 || a.heads <= 0 || a.size <= 0) return true;
  const int64_t group = a.heads / a.kv_heads, keys = up(a.length, 16), key_groups = up(a.size, kernels.group) / kernels.group;
  const int64_t value_groups = up(a.length, kernels.group) / kernels.group;
  const auto lay_out = [&](char* data) {
    Pieces p{data};
    struct {
      char *keys, *values, *queries, *weights;
      float* scores;
      size_t bytes;
    } s;
    s.keys = p.take<char>(right_bytes(kernels, a.length, a.size));
    s.values = p.take<char>(right_bytes(kernels, a.size, a.length));
    s.queries = p.take<char>(kBlockRows * up(a.size, 16) * kernels.bytes);
    s.weights = p.take<char>(kBlockRows * keys * kernels.bytes);
    s.scores = p.take<float>(kBlockRows * keys);
    s.bytes = p.used;
    return s;
  };
  bool failed = false;
  parallel(size_t(a.batch * a.kv_heads), [&](size_t task) {
    Scratch scratch(lay_out(nullptr).bytes);
    if (!scratch.data()) return void(__atomic_store_n(&failed, true, __ATOMIC_RELAXED));
    const auto s = lay_out(scratch.data());
    Head head{a, int64_t(task) / a.kv_heads, 0, int64_t(task) % a.kv_heads};
    pack_right_blocks(kernels, head.keys_transposed(a.k), 0, a.size, a.length, s.keys);
    pack_right_blocks(kernels, head.keys(a.v), 0, a.length, a.size, s.values);
    for (head.h = head.kv * group; head.h < (head.kv + 1) * group; ++head.h)
      for (int64_t first = 0; first < a.length; first += kBlockRows) {
        const int64_t rows = a.length - first < kBlockRows ? a.length - first : kBlockRows;
        const int64_t reach = head.reach(first + rows), padded = up(reach, 16), scored = head.scored(reach, kernels.panels * 16);
        const LeftRows queries = kernels.pack_left(head.rows(a.q, first), 0, rows, 0, a.size, a.scale * kLog2E, nullptr, s.queries);
        product_block(kernels, queries, rows, s.keys, key_groups, key_groups, scored, s.scores, keys, nullptr, 0);
        for (int64_t r = 0; r < rows; ++r) {
          head.mask(first + r, reach, s.scores + r * keys);
          *head.lse_at(lse, first + r) = kernels.soften(s.scores + r * keys, reach, padded, s.weights + r * keys * kernels.bytes);
        }
        product_block(kernels, {s.weights, keys, kernels.group}, rows, s.values, up(reach, kernels.group) / kernels.group, value_groups, a.size,
                      out + head.q_at(first), head.q_stride(), nullptr, 0);
      }
  });
  return !failed;
}

bool train_attention_grad(const ProductKernels& kernels, const Parallel& parallel, const TrainAttention& a, const float* out, const float* lse,
                          const float* dout, float* dq, float* dk, float* dv) {
  if (a.batch <= 0 || a.length <= 0 || a.heads <= 0 || a.size <= 0) return true;
  const int64_t group = a.heads / a.kv_heads, keys = up(a.length, 16), key_groups = up(a.size, kernels.group) / kernels.group;
  const int64_t value_groups = up(a.length, kernels.group) / kernels.group;
  const int64_t bytes = kernels.bytes;
  const auto lay_out = [&](char* data) {
    Pieces p{data};
    struct {
      char *key_columns, *keys, *value_columns, *left, *weights, *slopes, *slope_rows, *grads, *queries;
      float *scores, *dweights;
      size_t bytes;
    } s;
    s.key_columns = p.take<char>(right_bytes(kernels, a.length, a.size));
    s.keys = p.take<char>(right_bytes(kernels, a.size, a.length));
    s.value_columns = p.take<char>(right_bytes(kernels, a.length, a.size));
    s.left = p.take<char>(kBlockRows * up(a.size, 16) * bytes);
    s.weights = p.take<char>(kBlockRows * keys * bytes);
    s.slopes = p.take<char>(kBlockRows * keys * bytes);
    s.slope_rows = p.take<char>(kBlockRows * keys * bytes);
    s.grads = p.take<char>(right_bytes(kernels, a.size, kBlockRows));
    s.queries = p.take<char>(right_bytes(kernels, a.size, kBlockRows));
    s.scores = p.take<float>((kBlockRows + 1) * keys);
    s.dweights = p.take<float>((kBlockRows + 1) * keys);
    s.bytes = p.used;
    return s;
  };
  bool failed = false;
  parallel(size_t(a.batch * a.kv_heads), [&](size_t task) {
    Scratch scratch(lay_out(nullptr).bytes);
    if (!scratch.data()) return void(__atomic_store_n(&failed, true, __ATOMIC_RELAXED));
    const auto s = lay_out(scratch.data());
    Head head{a, int64_t(task) / a.kv_heads, 0, int64_t(task) % a.kv_heads};
    pack_right_blocks(kernels, head.keys_transposed(a.k), 0, a.size, a.length, s.key_columns);
    pack_right_blocks(kernels, head.keys(a.k), 0, a.length, a.size, s.keys);
    pack_right_blocks(kernels, head.keys_transposed(a.v), 0, a.size, a.length, s.value_columns);
    for (int64_t row = 0; row < a.length; ++row)
      for (int64_t d = 0; d < a.size; ++d) dk[head.kv_at(row) + d] = dv[head.kv_at(row) + d] = 0;
    for (head.h = head.kv * group; head.h < (head.kv + 1) * group; ++head.h)
      for (int64_t first = 0; first < a.length; first += kBlockRows) {
        const int64_t rows = a.length - first < kBlockRows ? a.length - first : kBlockRows;
        const int64_t reach = head.reach(first + rows), padded = up(reach, 16), scored = head.scored(reach, kernels.panels * 16);
        const int64_t pairs = (rows + 1) / 2;
        const LeftRows queries = kernels.pack_left(head.rows(a.q, first), 0, rows, 0, a.size, a.scale * kLog2E, nullptr, s.left);
        product_block(kernels, queries, rows, s.key_columns, key_groups, key_groups, scored, s.scores, keys, nullptr, 0);
        const LeftRows grads = kernels.pack_left(head.rows(dout, first), 0, rows, 0, a.size, 1, nullptr, s.left);
        product_block(kernels, grads, rows, s.value_columns, key_groups, key_groups, scored, s.dweights, keys, nullptr, 0);
        for (int64_t pair = 0; pair < pairs; ++pair) {
          const float *scores[2], *dweights[2];
          float sums[2], delta[2];
          void* slope_rows[2];
          for (int64_t i = 0; i < 2; ++i) {
            // A last row without a partner gets one that sees nothing.
            const int64_t r = pair * 2 + i;
            float* score = s.scores + r * keys;
            scores[i] = score, dweights[i] = s.dweights + r * keys, slope_rows[i] = s.slope_rows + r * keys * bytes;
            sums[i] = delta[i] = 0;
            if (r == rows) {
              for (int64_t u = 0; u < padded; ++u) score[u] = kBlocked, s.dweights[r * keys + u] = 0;
              continue;
            }
            head.mask(first + r, reach, score);
            for (int64_t u = reach; u < padded; ++u) s.dweights[r * keys + u] = 0;
            sums[i] = *head.lse_at(lse, first + r);
            const float *o = out + head.q_at(first + r), *g = dout + head.q_at(first + r);
            for (int64_t d = 0; d < a.size; ++d) delta[i] += o[d] * g[d];
          }
          const int64_t at = pair * 2 * padded * bytes;
          kernels.slopes(scores, dweights, sums, delta, a.scale, reach, padded, s.weights + at, s.slopes + at, slope_rows);
        }
        product_block(kernels, {s.slope_rows, keys, kernels.group}, rows, s.keys, up(reach, kernels.group) / kernels.group, value_groups, a.size,
                      dq + head.q_at(first), head.q_stride(), nullptr, 0);
        const int64_t row_groups = up(rows, kernels.group) / kernels.group;
        pack_right_blocks(kernels, head.rows(dout, first), 0, rows, a.size, s.grads);
        pack_right_blocks(kernels, head.rows(a.q, first), 0, rows, a.size, s.queries);
        float *dkeys = dk + head.kv_at(0), *dvalues = dv + head.kv_at(0);
        const int64_t stride = head.kv_stride();
        const LeftRows weights = {s.weights, kernels.group, padded * kernels.group}, slopes = {s.slopes, kernels.group, padded * kernels.group};
        product_block(kernels, weights, reach, s.grads, row_groups, row_groups, a.size, dvalues, stride, dvalues, stride);
        product_block(kernels, slopes, reach, s.queries, row_groups, row_groups, a.size, dkeys, stride, dkeys, stride);
      }
  });
  return !failed;
}

}  // namespace flashvl
