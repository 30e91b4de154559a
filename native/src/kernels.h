// The problems that the kernels solve and the table of functions that one instruction set offers for them.
#pragma once
#include <stddef.h>
#include <stdint.h>

// Registers hold sums only when every loop over rows and panels is unrolled completely.
#define FLASHVL_UNROLL _Pragma("GCC unroll 16")

namespace flashvl {

// (ln 2)^i / i!: the Taylor series of 2^x.
constexpr float kExp2Terms[] = {1.0f, 0.693147181f, 0.240226507f, 0.0555041087f, 0.00961812911f, 0.00133335581f, 0.000154035304f};

// What a float16 is rounded to where a number is beyond it, infinity included: sums over the cache then stay finite.
constexpr float kLargestHalf = 65504.0f;

// Columns of a weight panel: one 512-bit register of int32 sums.
constexpr int kPanelColumns = 16;
// Most rows of a tile in any instruction set.
constexpr int kMaxTileRows = 10;

// Activations of a few rows after quantisation, in the order in which a tile reads them.
struct QuantizedRows {
  int8_t* values;     // [k_padded / 4, rows, 4]
  float* scales;      // [blocks, rows]
  int32_t* offsets;   // [blocks, rows]  -(zero point) * sum of the block: what the sums start from
};

// Weights in panels of 16 output columns; native/README.md describes the bytes.
struct PackedWeights {
  const uint8_t* values;  // [panels, blocks, block / 8, 16, 4] (4 bit) or [panels, blocks, block / 4, 16, 4] (8 bit)
  const void* scales;     // [panels, blocks, 16] fp32 or fp16
  bool half_scales;
  int bits;               // 4 or 8
  int64_t n, k;
  int64_t block, blocks, panels;
};

// The columns of a tile: panel `first` and, where the tile has two and `count` says so, panel `first + step`. Far apart, the two
// are long streams through memory: neighbours read in turn reached a third less of its bandwidth.
struct TileColumns {
  int64_t first, step, count;
  const uint8_t* prefetch;  // weights to bring into the cache meanwhile: those of the first panel; of the second, `step` panels on
  int64_t prefetch_step;    // by how much that address moves when the tile moves by 64 bytes of weights
};

struct TileOutput {
  float* y;  // first row of the tile, first column of the tile's first panel
  int64_t row_stride, panel_stride;
  const float* bias;  // of column 0 of the matrix, or null
};

// What happens to rows before they are rounded.
enum NormKind : int { kNoNorm = 0, kRmsNorm = 1, kLayerNorm = 2 };
struct Norm {
  NormKind kind = kNoNorm;
  const float *weight = nullptr, *bias = nullptr;  // [k]; bias with kLayerNorm only
  float epsilon = 0;
};

// What happens to a product, whose parts are still in the nearest cache. kSwiGlu: the columns are those of a gate and then as
// many others, and the result is silu(gate) times the other.
enum Activation : int { kNoActivation = 0, kGeluTanh = 1, kSwiGlu = 2, kGelu = 3 };

// Blocks first_block up to last_block of some rows.
using QuantizeRowsFn = void (*)(const float* x, int64_t row_stride, int rows, const PackedWeights& w, int64_t first_block, int64_t last_block,
                                const QuantizedRows& out);
using NormalizeFn = void (*)(const float* x, int64_t k, const Norm& norm, float* out);
// count <= 16 columns of some rows: y = activation(y) + residual, where there is one.
using FinishFn = void (*)(float* y, int64_t stride, int64_t rows, int64_t count, Activation activation, const float* residual);
// gate_up [rows, 2, 16] to y = silu(gate) * up, 16 columns.
using GateFn = void (*)(const float* gate_up, int64_t rows, float* y, int64_t stride);
using TileFn = void (*)(const QuantizedRows& a, const PackedWeights& w, const TileColumns& columns, const TileOutput& out);

// Query rows that share one pass over the packed keys and values: 30 x 1024 scores and their rounded exponentials take
// 180 KiB of second-level cache beside 300 KiB of keys and values.
constexpr int64_t kAttentionBlockRows = 30;

// softmax(q k^T * scale) v over one head of one picture.
struct AttentionHead {
  const float *q, *k, *v;
  float* out;
  int64_t stride, out_stride;  // floats from one position to the next
  int64_t length, size;        // positions, and numbers of a position
  float scale;
};

struct AttentionKernels {
  const char* name;  // the numbers that are multiplied: "bf16" or "fp32"
  int64_t (*packed_bytes)(const AttentionHead& head);
  int64_t (*scratch_bytes)(const AttentionHead& head);
  void (*pack)(const AttentionHead& head, void* packed);
  void (*rows)(const AttentionHead& head, const void* packed, void* scratch, int64_t first_row, int64_t rows);
};

// Keys that are read together: chunks begin at multiples of this, so what a row computes does not depend on its company.
constexpr int64_t kCacheChunk = 256;

// Query rows of one key head against a chunk of its cache. Rows are tokens times the heads that share the key head.
struct CacheChunk {
  const float* q;      // [rows, size], rotated, times scale * log2(e)
  const void *k, *v;   // [keys, size], from the chunk's first key on, in the cache's numbers
  int64_t rows, rows_per_token, keys, size;
  int64_t visible;     // keys of the chunk that the first token sees, may be negative; the next token sees one more
};

// What a chunk gives to each row: sum of 2^(score - most) v, the largest score and the sum of the weights.
struct ChunkResult {
  float *mixed, *most, *sum;  // [rows, size], [rows], [rows]
};

// Attention over a cache of float32, or of float16: what is computed is fp32 in either.
struct CachedKernels {
  int64_t number_bytes;  // of a number of the cache
  void (*keep)(const float* x, int64_t count, void* cached);  // count: a multiple of 16
  void (*rotate)(const float* x, const float* cos, const float* sin, int64_t half, float factor, float* out);
  void (*chunk)(const CacheChunk& chunk, float* scratch, const ChunkResult& out);
  void (*merge)(const ChunkResult& into, const ChunkResult& from, int64_t rows, int64_t size);
  int64_t (*scratch_floats)(int64_t rows, int64_t size);
};

struct KernelTable {
  const char* name;
  int tile_rows;                       // rows of the largest tile
  int tile_panels;                     // panels of such a tile
  int single_rows;                     // rows up to which one tall tile beats two tiles, 0 where it never does
  int panels_of[kMaxTileRows + 1];     // panels of a tile, by rows
  QuantizeRowsFn quantize_rows;
  NormalizeFn normalize;
  FinishFn finish;
  GateFn gate;
  TileFn tile4[kMaxTileRows + 1];      // by rows, 1 .. tile_rows
  TileFn tile8[kMaxTileRows + 1];
  AttentionKernels attention;          // in fp32
  CachedKernels cached, cached_halves;
};

// The table that this machine runs: the best it supports, or the one named by FLASHVL_KERNEL. Null: see `message`.
const KernelTable* select_kernels(const char* name, const char** message);

// Attention with bfloat16 factors, or null where the processor (or `table`, when it was asked for by name) has none.
const AttentionKernels* half_precision_attention(const KernelTable& table);

const KernelTable* portable_kernels();
const KernelTable* avx2_kernels();
const KernelTable* avx512_kernels();
const KernelTable* neon_kernels();
const AttentionKernels* avx512_bf16_attention();

}  // namespace flashvl
