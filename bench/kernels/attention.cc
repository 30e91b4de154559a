// Micro-benchmark of the tower's attention: 27 layers of 16 heads of 72 over 1024 patches.
#include "../../native/src/attention.h"
#include "pool.h"

using namespace flashvl;

int main() {
  const char* message = nullptr;
  const KernelTable* kernels = select_kernels(getenv("FLASHVL_KERNEL"), &message);
  if (!kernels) return fprintf(stderr, "%s\n", message), 1;
  const Parallel parallel = bench::threads();
  constexpr int64_t kLength = 1024, kHeads = 16, kSize = 72, kWidth = kHeads * kSize, kLayers = 27;
  float* data[4];
  for (float*& d : data) {
    d = (float*)aligned_alloc(64, kLength * kWidth * 4);
    for (int64_t i = 0; i < kLength * kWidth; ++i) d[i] = float(rand()) / RAND_MAX * 4 - 2;
  }
  const AttentionProblem problem = {data[0], data[1], data[2], data[3], 1, kLength, kHeads, kSize, kWidth, 1 / 8.485f};
  for (const AttentionKernels* a : {half_precision_attention(*kernels), &kernels->attention}) {
    if (!a) continue;
    const double seconds = bench::fastest(1.5, [&](size_t) { full_attention(*a, parallel, problem); });
    const double operations = 4.0 * kLength * kLength * kSize * kHeads;
    printf("%s %s: %.2f ms a layer, %.0f GFLOP/s, %.3f s for %ld layers\n", kernels->name, a->name, seconds * 1e3, operations / seconds * 1e-9,
           seconds * kLayers, (long)kLayers);
  }
}
