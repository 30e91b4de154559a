// Spreads a matrix product over threads: a block of k at a time, the right side is packed once and shared, rows are tasks.
#include "train-matmul.h"

#include "scratch.h"

namespace flashvl {
namespace {

// Values of k at a time: a block of 64 packed columns (64 x 1024 x 2 bytes) and a task's rows stay in the second-level cache.
constexpr int64_t kDepthBytes = 2048;
// Columns at a time, so that the packed right side of a vocabulary stays small.
constexpr int64_t kMostColumns = 4096;
// Rows of a task: whole tiles of 6 and of 4 rows.
constexpr int64_t kTaskRows = 96;

int64_t up(int64_t v, int64_t step) { return (v + step - 1) / step * step; }

}  // namespace

int64_t right_bytes(const ProductKernels& kernels, int64_t columns, int64_t depth) {
  return up(columns, 16) * up(depth, kernels.group) * kernels.bytes;
}

void product_block(const ProductKernels& kernels, const LeftRows& a, int64_t rows, const void* b, int64_t groups, int64_t packed_groups,
                   int64_t columns, float* c, int64_t c_stride, const float* start, int64_t start_stride) {
  const int64_t block = kernels.panels * 16;
  for (int64_t first = 0; first < columns; first += block) {
    const int64_t count = columns - first < block ? columns - first : block, width = up(count, 16);
    const char* right = static_cast<const char*>(b) + first * packed_groups * kernels.group * kernels.bytes;
    for (int64_t r = 0; r < rows; r += kernels.rows) {
      const int64_t height = rows - r < kernels.rows ? rows - r : kernels.rows;
      const LeftRows left = {static_cast<const char*>(a.data) + r * a.row * kernels.bytes, a.row, a.step};
      const auto tile = kernels.tiles[height][width / 16];
      float* to = c + r * c_stride + first;
      const float* from = start ? start + r * start_stride + first : nullptr;
      if (width == count) {
        tile(left, right, groups, to, c_stride, from, start_stride);
        continue;
      }
      // The last columns do not fill their panel: computed aside.
      float edge[kProductRows * kProductColumns], begin[kProductRows * kProductColumns];
      for (int64_t i = 0; from && i < height; ++i)
        for (int64_t j = 0; j < width; ++j) begin[i * width + j] = j < count ? from[i * start_stride + j] : 0;
      tile(left, right, groups, edge, width, from ? begin : nullptr, width);
      for (int64_t i = 0; i < height; ++i)
        for (int64_t j = 0; j < count; ++j) to[i * c_stride + j] = edge[i * width + j];
    }
  }
}

void pack_right_blocks(const ProductKernels& kernels, const MatrixView& b, int64_t k, int64_t depth, int64_t columns, void* out) {
  const int64_t block = kernels.panels * 16, groups = (depth + kernels.group - 1) / kernels.group;
  for (int64_t first = 0; first < columns; first += block)
    kernels.pack_right(b, k, depth, first, columns - first < block ? columns - first : block,
                       static_cast<char*>(out) + first * groups * kernels.group * kernels.bytes);
}

bool train_product(const ProductKernels& kernels, const Parallel& parallel, const Product& p) {
  if (p.m <= 0 || p.n <= 0) return true;
  const int64_t most_depth = kDepthBytes / kernels.bytes;
  const int64_t depths = p.k > most_depth ? (p.k + most_depth - 1) / most_depth : 1;
  const int64_t depth = up((p.k + depths - 1) / depths, 16);
  const int64_t task_rows = p.m <= 4 * kTaskRows ? kTaskRows / 4 : kTaskRows;
  const int64_t tasks = (p.m + task_rows - 1) / task_rows;
  const int64_t block = kernels.panels * 16;
  Scratch right(size_t(right_bytes(kernels, p.n < kMostColumns ? p.n : kMostColumns, depth)));
  if (!right.data()) return false;
  bool failed = false;
  for (int64_t column = 0; column < p.n; column += kMostColumns) {
    const int64_t columns = p.n - column < kMostColumns ? p.n - column : kMostColumns;
    for (int64_t k = 0; k < p.k || k == 0; k += depth) {
      const int64_t deep = p.k - k < depth ? p.k - k : depth, groups = (deep + kernels.group - 1) / kernels.group;
      parallel(size_t((columns + block - 1) / block), [&](size_t task) {
        const int64_t first = int64_t(task) * block;
        kernels.pack_right(p.b, k, deep, column + first, columns - first < block ? columns - first : block,
                           right.data() + first * groups * kernels.group * kernels.bytes);
      });
      parallel(size_t(tasks), [&](size_t task) {
        const int64_t first = int64_t(task) * task_rows, rows = p.m - first < task_rows ? p.m - first : task_rows;
        Scratch left(size_t(up(rows, 16) * up(deep, 16) * kernels.bytes));
        if (!left.data()) return void(__atomic_store_n(&failed, true, __ATOMIC_RELAXED));
        float sums[kTaskRows];
        const bool summed = p.sums && column == 0;
        const LeftRows a = kernels.pack_left(p.a, first, rows, k, deep, 1, summed ? sums : nullptr, left.data());
        for (int64_t i = 0; summed && i < rows; ++i) p.sums[first + i] = k == 0 ? sums[i] : p.sums[first + i] + sums[i];
        float* c = p.c + first * p.n + column;
        const float* start = k > 0 ? c : p.bias ? p.bias + column : nullptr;
        product_block(kernels, a, rows, right.data(), groups, groups, columns, c, p.n, start, k > 0 ? p.n : 0);
      });
    }
  }
  return !failed;
}

}  // namespace flashvl
