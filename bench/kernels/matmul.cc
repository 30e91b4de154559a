// Micro-benchmark of the blockwise product: speed by rows and bits, beside the memory's bandwidth in the same minute.
// Arguments, each optional or -1: shape (0-6), rows, bits, block.
#include "../../native/src/blockwise.h"
#include "pool.h"

using namespace flashvl;

int main(int argc, char** argv) {
  const char* message = nullptr;
  const KernelTable* kernels = select_kernels(getenv("FLASHVL_KERNEL"), &message);
  if (!kernels) return fprintf(stderr, "%s\n", message), 1;
  const Parallel parallel = bench::threads();
  const auto wanted = [&](int index, int value) { return argc <= index || atoi(argv[index]) < 0 || atoi(argv[index]) == value; };

  constexpr size_t kWeightBytes = size_t(900) << 20, kScaleBytes = 64 << 20, kMostK = 8960, kMostRows = 1024;
  char* weights = (char*)aligned_alloc(4096, kWeightBytes);
  for (size_t i = 0; i < kWeightBytes; i += 8) *(unsigned long long*)(weights + i) = i * 0x9e3779b97f4a7c15ull >> 3;
  unsigned short* scales = (unsigned short*)aligned_alloc(4096, kScaleBytes);
  for (size_t i = 0; i < kScaleBytes / 2; ++i) scales[i] = 0x1400;
  float* x = (float*)aligned_alloc(64, kMostRows * kMostK * 4);
  for (size_t i = 0; i < kMostRows * kMostK; ++i) x[i] = float(unsigned(i) * 2654435761u >> 8) / (1 << 24) - 0.5f;
  float* y = (float*)aligned_alloc(64, size_t(64) * 151936 * 4);
  printf("%s, memory reads %.1f GB/s\n", kernels->name, bench::read_bandwidth(weights, size_t(800) << 20, parallel) / 1e9);

  const int shapes[][2] = {{1536, 1536}, {17920, 1536}, {1536, 8960}, {151936, 1536}, {1152, 1152}, {4304, 1152}, {1152, 4304}};
  for (int bits : {4, 8})
    for (int block : {32, 128})
      for (int shape = 0; shape < 7; ++shape)
        for (int m : {1, 2, 3, 4, 6, 8, 12, 16, 32, 64, 290, 1024}) {
          const int64_t n = shapes[shape][0], k = shapes[shape][1];
          if (!wanted(1, shape) || !wanted(2, m) || !wanted(3, bits) || !wanted(4, block) || m * n > 64 * 151936) continue;
          PackedWeights w = packed_weights(weights, scales, true, bits, n, k, block);
          const size_t bytes = size_t(w.panels) * 16 * w.blocks * (block * bits / 8 + 2);
          const size_t copies = kWeightBytes / bytes;  // walk over copies, so that weights come from memory as in a model
          const double seconds = bench::fastest(0.25, [&](size_t i) {
            w.values = (const uint8_t*)weights + i % copies * (bytes & ~size_t(63));
            blockwise_matmul(*kernels, parallel, x, m, w, nullptr, y);
          });
          printf("%d bit block %3d  n %6ld k %4ld m %4d  %8.1f us  %6.1f GOP/s  %5.1f GB/s\n", bits, block, (long)n, (long)k, m, seconds * 1e6,
                 2e-9 * n * k * m / seconds, bytes / seconds * 1e-9);
          fflush(stdout);
        }
}
