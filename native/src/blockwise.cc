// Splits a blockwise product into row tiles and column panels and spreads them over threads.
#include "blockwise.h"

#include "scratch.h"

namespace flashvl {
namespace {

// Fewer activations than this are quantised by the calling thread: waking another costs some microseconds.
constexpr int64_t kSerialQuantize = 16384;
// Work of one task in multiply-adds and in bytes of weights: enough to hide its hand-over and to read long runs of memory, small
// enough to balance threads of which one may be disturbed.
constexpr int64_t kTaskMacs = 24 << 20;
constexpr int64_t kTaskBytes = 512 << 10;
// Tasks that even a small matrix is cut into.
constexpr int64_t kLeastTasks = 8;

// Hardware prefetchers stop at each 4 KiB page, and one row alone needs all of the memory's speed.
constexpr int64_t kPrefetchBytes = 2048;

// Several tiles share the work of fetching the next panels, so that memory never waits for the arithmetic; a single one
// stays a little ahead of itself.
void plan_prefetch(const uint8_t* here, int64_t panel_bytes, int64_t tile, int64_t tiles, TileColumns& columns) {
  columns.prefetch = tiles == 1 ? here + kPrefetchBytes : here + panel_bytes + tile * panel_bytes / tiles;
  columns.prefetch_step = 64 / tiles;
}

int64_t count_column_tasks(int64_t groups, int64_t group_bytes, int64_t group_macs) {
  int64_t tasks = groups * group_bytes / kTaskBytes;
  if (tasks < groups * group_macs / kTaskMacs) tasks = groups * group_macs / kTaskMacs;
  if (tasks < kLeastTasks) tasks = kLeastTasks;
  return tasks < groups ? tasks : groups;
}

int64_t round_up(int64_t v, int64_t step) { return (v + step - 1) / step * step; }

}  // namespace

bool blockwise_matmul(const KernelTable& kernels, const Parallel& parallel, const float* x, int64_t m, const PackedWeights& w,
                      const float* bias, float* y) {
  if (m <= 0) return true;
  // A few more rows than a tile has run as one tall tile of one panel: a second pass over the panel would not overlap with memory.
  // Otherwise tiles of nearly equal height: 290 rows are 49 tiles of 5 or 6, not 48 of 6 and one of 2.
  const bool single = m > kernels.tile_rows && m <= kernels.single_rows;
  const int64_t tiles = single ? 1 : (m + kernels.tile_rows - 1) / kernels.tile_rows;
  const int64_t base = m / tiles, extra = m % tiles;
  const int64_t k_padded = w.blocks * w.block;
  const auto first_row = [&](int64_t t) { return t * base + (t < extra ? t : extra); };

  const int64_t value_bytes = round_up(m * k_padded, 64), scale_bytes = round_up(m * w.blocks * 4, 64);
  Scratch scratch(size_t(value_bytes + 2 * scale_bytes));
  if (!scratch.data()) return false;
  const auto rows_of = [&](int64_t t) {
    const int64_t r = first_row(t);
    char* d = scratch.data();
    return QuantizedRows{(int8_t*)d + r * k_padded, (float*)(d + value_bytes) + r * w.blocks,
                         (int32_t*)(d + value_bytes + scale_bytes) + r * w.blocks};
  };
  const auto quantize = [&](size_t t) {
    const int64_t r = first_row(t);
    kernels.quantize_rows(x + r * w.k, w.k, int(first_row(t + 1) - r), w, rows_of(t));
  };
  if (m * w.k <= kSerialQuantize || tiles == 1) {
    for (int64_t t = 0; t < tiles; ++t) quantize(t);
  } else {
    parallel(size_t(tiles), quantize);
  }

  // One task is a run of panels times a run of row tiles. A tile takes one panel from each half of the run; the weights of
  // both stay in the cache over the row tiles.
  const int64_t panel_bytes = kPanelColumns * k_padded * w.bits / 8;
  const int64_t group = single ? 1 : kernels.tile_panels, groups = (w.panels + group - 1) / group;
  const int64_t column_tasks = count_column_tasks(groups, group * panel_bytes, group * kPanelColumns * k_padded * m);
  const int64_t row_tasks = column_tasks >= 8 || tiles < 4 ? 1 : 4;  // a narrow matrix is also split by rows
  parallel(size_t(column_tasks * row_tasks), [&](size_t task) {
    const int64_t column_task = int64_t(task) / row_tasks, row_task = int64_t(task) % row_tasks;
    const int64_t first_panel = column_task * groups / column_tasks * group, step = (column_task + 1) * groups / column_tasks - first_panel / group;
    const int64_t first_tile = row_task * tiles / row_tasks, last_tile = (row_task + 1) * tiles / row_tasks;
    for (int64_t panel = first_panel; panel < first_panel + step; ++panel) {
      TileColumns columns = {panel, step, panel + (group - 1) * step < w.panels ? group : 1, nullptr, 0};
      for (int64_t t = first_tile; t < last_tile; ++t) {
        const int64_t r = first_row(t), rows = first_row(t + 1) - r;
        plan_prefetch(w.values + panel * panel_bytes, panel_bytes, t - first_tile, last_tile - first_tile, columns);
        (w.bits == 4 ? kernels.tile4 : kernels.tile8)[rows](rows_of(t), w, columns, {y + r * w.n, w.n, bias});
      }
    }
  });
  return true;
}

}  // namespace flashvl
