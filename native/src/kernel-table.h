// Fills the table of one instruction set; included once by each kernels-*.cc, after its isa-*.h.
#pragma once
#include "numbers-fp32.h"

#include "attention-tile.h"
#include "blockwise-tile.h"
#include "cached-attention-tile.h"
#include "fused-tile.h"

namespace flashvl {
namespace {

template <int kRows>
void fill_tiles(KernelTable& table) {
  if constexpr (kRows >= 1) {
    fill_tiles<kRows - 1>(table);
    table.tile4[kRows] = matmul_tile<kRows, 4>;
    table.tile8[kRows] = matmul_tile<kRows, 8>;
    table.panels_of[kRows] = tile_panels(kRows);
  }
}

inline KernelTable make_table() {
  static_assert(Isa::kTileRows <= kMaxTileRows && Isa::kSingleRows <= kMaxTileRows);
  KernelTable table = {};
  table.name = Isa::kName;
  table.tile_rows = Isa::kTileRows;
  table.tile_panels = Isa::kPanels;
  table.quantize_rows = quantize_rows;
  table.normalize = normalize_row;
  table.finish = finish_columns;
  table.gate = gate_columns;
  table.single_rows = Isa::kSingleRows;
  fill_tiles<Isa::kSingleRows ? Isa::kSingleRows : Isa::kTileRows>(table);
  table.attention = make_attention();
  table.cached = make_cached<float>();
  table.cached_halves = make_cached<uint16_t>();
  return table;
}

}  // namespace
}  // namespace flashvl
