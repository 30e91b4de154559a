// What one instruction set offers for training: tiles of matrix products in fp32 or bfloat16, and functions of single rows.
#pragma once
#include <stddef.h>
#include <stdint.h>

namespace flashvl {

// Largest tile of a product in any instruction set: rows, and panels of 16 columns.
constexpr int kProductRows = 6, kProductPanels = 4;
constexpr int64_t kProductColumns = kProductPanels * 16;

// A matrix in memory: element (i, j) lies at data[i * stride + j], or at data[j * stride + i] where it is `transposed`.
struct MatrixView {
  const float* data;
  int64_t stride;
  bool transposed;
  const float* at(int64_t i, int64_t j) const { return transposed ? data + j * stride + i : data + i * stride + j; }
};

// Rows of a product's left side, as its tiles read them: number g of row r (a group of the kernel's numbers) lies at
// data + r * row + g * step, counted in numbers.
struct LeftRows {
  const void* data;
  int64_t row, step;
};

// c [rows, panels * 16] = start + a b over `groups` groups of k; b [groups][panels * 16][group]. `start` may be c, a bias
// (stride 0), or null for zero.
using ProductTileFn = void (*)(const LeftRows& a, const void* b, int64_t groups, float* c, int64_t c_stride, const float* start,
                               int64_t start_stride);

// Products with one kind of factors. Sums are fp32.
struct ProductKernels {
  const char* name;  // "fp32" or "bf16"
  int64_t group;     // values of k that stand side by side
  int64_t bytes;     // of a number
  int64_t rows, panels;  // of the largest tile
  ProductTileFn tiles[kProductRows + 1][kProductPanels + 1];
  // Columns first .. first + count (at most 16 * panels) of rows k .. k + depth of b; padded with zeros to whole panels and groups.
  void (*pack_right)(const MatrixView& b, int64_t k, int64_t depth, int64_t first, int64_t count, void* out);
  // Rows first .. first + count of a, columns k .. k + depth, times `factor`. `sums` [count rounded up to 16] receives the sums
  // of the rows where it is not null and `a` is transposed.
  LeftRows (*pack_left)(const MatrixView& a, int64_t first, int64_t count, int64_t k, int64_t depth, float factor, float* sums, void* out);
  // Scores of a row, in base 2, to its probabilities as factors; returns log2 of the sum of their powers. Lengths are padded to 16.
  float (*soften)(float* scores, int64_t length, int64_t padded, void* weights);
  // Two rows of scores s and of d(loss)/d(probability) g to probabilities p = 2^(s - lse) and slopes p (g - delta) factor: as left
  // sides of products over rows, and the slopes row by row as well.
  void (*slopes)(const float* const scores[2], const float* const slopes[2], const float lse[2], const float delta[2], float factor,
                 int64_t length, int64_t padded, void* weights_pair, void* slopes_pair, void* const slope_rows[2]);
};

// Functions of rows and elements in fp32; names as in train-rowwise.cc.
struct RowKernels {
  void (*gelu)(const float* x, float* y, int64_t count);
  void (*gelu_grad)(const float* x, const float* g, float* dx, int64_t count);
  void (*gate)(const float* a, const float* b, float* y, int64_t count);
  void (*gate_grad)(const float* a, const float* b, const float* g, float* da, float* db, int64_t count);
  void (*norm)(const float* x, const float* w, const float* b, float epsilon, int64_t rows, int64_t width, float* y, float* mean, float* rstd);
  void (*norm_grad)(const float* x, const float* w, const float* mean, const float* rstd, const float* g, int64_t rows, int64_t width, float* dx,
                    float* dw, float* db);
  void (*log_prob)(const float* logits, const int64_t* targets, int64_t rows, int64_t width, float* out, float* lse);
  void (*log_prob_grad)(const float* logits, const int64_t* targets, const float* lse, const float* g, int64_t rows, int64_t width, float* d);
};

struct TrainKernels {
  const char* name;
  ProductKernels fp32;
  RowKernels rows;
};

// The kernels of this machine, or of the instruction set FLASHVL_KERNEL names. Null: see `message`.
const TrainKernels* select_train_kernels(const char* name, const char** message);

// Products with bfloat16 factors, or null where the processor (or `kernels`, when asked for by name) has none.
const ProductKernels* bfloat16_products(const TrainKernels& kernels);

const TrainKernels* portable_train_kernels();
const TrainKernels* avx2_train_kernels();
const TrainKernels* avx512_train_kernels();
const TrainKernels* neon_train_kernels();
const ProductKernels* avx512_bf16_products();

}  // namespace flashvl
