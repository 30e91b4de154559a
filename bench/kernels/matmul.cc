// Micro-benchmark of the blockwise product: speed by rows and bits, beside memory bandwidth and the peak of the dot product.
#include <atomic>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../native/src/blockwise.h"

using namespace flashvl;

static double now() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}

// One spinning helper thread, as ONNX Runtime's pool with two intra-op threads.
struct Pool {
  std::atomic<int> go{0}, done{0};
  std::atomic<size_t> next{0};
  size_t count = 0;
  void (*task)(void*, size_t) = nullptr;
  void* argument = nullptr;
  void drain() {
    for (size_t i; (i = next.fetch_add(1)) < count;) task(argument, i);
  }
} pool;
static void* helper(void*) {
  for (int seen = 0;;) {
    while (pool.go.load(std::memory_order_acquire) == seen) __builtin_ia32_pause();
    seen = pool.go.load();
    pool.drain();
    pool.done.store(seen, std::memory_order_release);
  }
}
static void run2(void*, size_t count, void (*task)(void*, size_t), void* argument) {
  pool.count = count, pool.task = task, pool.argument = argument;
  pool.next.store(0);
  const int mark = pool.go.load() + 1;
  pool.go.store(mark, std::memory_order_release);
  pool.drain();
  while (pool.done.load(std::memory_order_acquire) != mark) __builtin_ia32_pause();
}
static void run1(void*, size_t count, void (*task)(void*, size_t), void* argument) {
  for (size_t i = 0; i < count; ++i) task(argument, i);
}

static double read_bandwidth(const char* data, size_t bytes, const Parallel& parallel) {
  double best = 1e9;
  for (int repeat = 0; repeat < 8; ++repeat) {
    const double t = now();
    const size_t chunk = 1 << 20;
    parallel(bytes / chunk, [&](size_t i) {
      typedef long long v8 __attribute__((vector_size(64)));
      const v8* p = (const v8*)(data + i * chunk);
      v8 a = {0}, b = {0};
      for (size_t j = 0; j < chunk / 64; j += 2) a += p[j], b += p[j + 1];
      a += b;
      if (a[0] == 12345) printf("!");
    });
    const double s = now() - t;
    if (s < best) best = s;
  }
  return bytes / best;
}

int main(int argc, char** argv) {
  const char* message = nullptr;
  const KernelTable* kernels = select_kernels(getenv("FLASHVL_KERNEL"), &message);
  if (!kernels) return fprintf(stderr, "%s\n", message), 1;
  const int threads = getenv("THREADS") ? atoi(getenv("THREADS")) : 2;
  const Parallel parallel = {threads == 1 ? run1 : run2, nullptr};
  pthread_t thread;
  pthread_create(&thread, nullptr, helper, nullptr);
  const size_t pool_bytes = size_t(900) << 20;
  char* weights = (char*)aligned_alloc(4096, pool_bytes);
  for (size_t i = 0; i < pool_bytes; i += 8) *(unsigned long long*)(weights + i) = i * 0x9e3779b97f4a7c15ull >> 3;
  float* scales = (float*)aligned_alloc(4096, 64 << 20);
  for (size_t i = 0; i < (64 << 20) / 4; ++i) scales[i] = 1e-3f;
  printf("%s, %d threads, memory reads %.1f GB/s\n", kernels->name, threads, read_bandwidth(weights, size_t(800) << 20, parallel) / 1e9);

  const int shapes[][2] = {{1536, 1536}, {17920, 1536}, {1536, 8960}, {151936, 1536}, {1152, 1152}, {4304, 1152}, {1152, 4304}};
  const int all_rows[] = {1, 2, 3, 4, 6, 8, 12, 16, 32, 64, 290, 1024};
  const int only_shape = argc > 1 ? atoi(argv[1]) : -1, only_rows = argc > 2 ? atoi(argv[2]) : -1, only_bits = argc > 3 ? atoi(argv[3]) : -1;
  const int only_block = argc > 4 ? atoi(argv[4]) : -1;
  float* x = (float*)aligned_alloc(64, 1024 * 8960 * 4);
  float* y = (float*)aligned_alloc(64, size_t(1024) * 151936 * 4 / 8);
  for (int i = 0; i < 1024 * 8960; ++i) x[i] = float(i * 2654435761u >> 8) / (1 << 24) - 0.5f;
  for (int bits = 4; bits <= 8; bits += 4)
    for (int block = 32; block <= 128; block += 96) {
      if ((only_bits >= 0 && bits != only_bits) || (only_block >= 0 && only_block != block)) continue;
      for (int shape = 0; shape < 7; ++shape) {
        if (only_shape >= 0 && shape != only_shape) continue;
        for (int m : all_rows) {
          const int64_t n = shapes[shape][0], k = shapes[shape][1];
          if ((only_rows >= 0 && m != only_rows) || (n > 100000 && m > 64)) continue;
          PackedWeights w = packed_weights(weights, scales, true, bits, n, k, block);
          const size_t bytes = size_t(w.panels) * 16 * w.blocks * (block * bits / 8 + 2);
          const size_t copies = pool_bytes / bytes;  // walk over copies so that weights come from memory, as in a model
          double best = 1e9, total = 0;
          for (size_t i = 0; total < 0.4 || i < 3; ++i) {
            w.values = (const uint8_t*)weights + (i % copies) * (bytes & ~size_t(63));
            const double t = now();
            blockwise_matmul(*kernels, parallel, x, m, w, nullptr, y);
            const double s = now() - t;
            total += s;
            if (s < best) best = s;
          }
          printf("%d bit block %3d  n %6ld k %4ld m %4d  %8.1f us  %6.1f GOP/s  %5.1f GB/s\n", bits, block, (long)n, (long)k, m, best * 1e6,
                 2e-9 * n * k * m / best, bytes / best * 1e-9);
          fflush(stdout);
        }
      }
    }
}
