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
                      const float* bias, float* y, const Fusion& fusion) {
  if (m <= 0) return true;
  // A few more rows than a tile has run as one tall tile: a second pass over the panels would not overlap with memory.
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
  bool failed = false;
  const auto quantize = [&](int64_t t, int64_t first_block, int64_t last_block) {
    const int64_t r = first_row(t), rows = first_row(t + 1) - r;
    const float* from = x + r * w.k;
    Scratch normal(fusion.norm.kind ? size_t(rows * w.k) * sizeof(float) : 1);
    if (!normal.data()) return void(__atomic_store_n(&failed, true, __ATOMIC_RELAXED));
    if (fusion.norm.kind) {
      float* rows_out = reinterpret_cast<float*>(normal.data());
      for (int64_t i = 0; i < rows; ++i) kernels.normalize(from + i * w.k, w.k, fusion.norm, rows_out + i * w.k);
      from = rows_out;
    }
    kernels.quantize_rows(from, w.k, int(rows), w, first_block, last_block, rows_of(t));
  };
  if (m * w.k <= kSerialQuantize || (tiles == 1 && fusion.norm.kind)) {
    for (int64_t t = 0; t < tiles; ++t) quantize(t, 0, w.blocks);
  } else if (tiles == 1) {
    parallel(size_t(kLeastTasks), [&](size_t i) { quantize(0, int64_t(i) * w.blocks / kLeastTasks, int64_t(i + 1) * w.blocks / kLeastTasks); });
  } else {
    parallel(size_t(tiles), [&](size_t t) { quantize(int64_t(t), 0, w.blocks); });
  }
  if (failed) return false;

  // One task is a run of panels times a run of row tiles. A tile takes one panel from each half of the run, or a gate's and its
  // partner's; the weights of both stay in the cache over the row tiles.
  const bool gated = fusion.activation == kSwiGlu;
  const int64_t panel_bytes = kPanelColumns * k_padded * w.bits / 8;
  const int64_t width = kernels.panels_of[first_row(1)];  // panels of a tile
  const int64_t group = gated ? 2 : width, groups = (w.panels + group - 1) / group;
  const int64_t column_tasks = count_column_tasks(groups, group * panel_bytes, group * kPanelColumns * k_padded * m);
  const int64_t row_tasks = column_tasks >= 8 || tiles < 4 ? 1 : 4;  // a narrow matrix is also split by rows
  const int64_t row_stride = gated ? w.n / 2 : w.n;
  parallel(size_t(column_tasks * row_tasks), [&](size_t task) {
    const int64_t column_task = int64_t(task) / row_tasks, row_task = int64_t(task) % row_tasks;
    const int64_t first_group = column_task * groups / column_tasks, count = (column_task + 1) * groups / column_tasks - first_group;
    const int64_t first_panel = gated ? first_group : first_group * group, step = gated ? w.panels / 2 : count;
    const int64_t first_tile = row_task * tiles / row_tasks, last_tile = (row_task + 1) * tiles / row_tasks;
    for (int64_t panel = first_panel; panel < first_panel + count; ++panel) {
      TileColumns columns = {panel, step, panel + (width - 1) * step < w.panels ? width : 1, nullptr, 0};
      for (int64_t t = first_tile; t < last_tile; ++t) {
        const int64_t r = first_row(t), rows = first_row(t + 1) - r;
        const TileFn tile = (w.bits == 4 ? kernels.tile4 : kernels.tile8)[rows];
        const auto fetch = [&](int64_t from) { plan_prefetch(w.values + from * panel_bytes, panel_bytes, t - first_tile, last_tile - first_tile, columns); };
        if (gated) {
          alignas(64) float gate_up[kMaxTileRows * 2 * kPanelColumns];
          for (int64_t p = 0; p < 2; p += width) {
            columns.first = panel + p * step;
            fetch(columns.first);
            tile(rows_of(t), w, columns, {gate_up + p * kPanelColumns, 2 * kPanelColumns, kPanelColumns, bias});
          }
          kernels.gate(gate_up, rows, y + r * row_stride + panel * kPanelColumns, row_stride);
          continue;
        }
        fetch(panel);
        float* out = y + r * row_stride + panel * kPanelColumns;
        tile(rows_of(t), w, columns, {out, row_stride, step * kPanelColumns, bias});
        if (!fusion.activation && !fusion.residual) continue;
        for (int64_t p = 0; p < columns.count; ++p) {
          const int64_t column = (panel + p * step) * kPanelColumns, left = w.n - column;
          kernels.finish(out + p * step * kPanelColumns, row_stride, rows, left < kPanelColumns ? left : kPanelColumns, fusion.activation,
                         fusion.residual ? fusion.residual + r * row_stride + column : nullptr);
        }
      }
    }
  });
  return true;
}

}  // namespace flashvl
