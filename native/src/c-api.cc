// Plain C entry points beside the ONNX Runtime ones, for tests and benchmarks.
#include <pthread.h>
#include <stdint.h>

#include <atomic>

#include "blockwise.h"

#define FLASHVL_EXPORT extern "C" __attribute__((visibility("default")))

namespace flashvl {
namespace {

struct Loop {
  std::atomic<size_t> next{0};
  size_t count;
  void (*task)(void*, size_t);
  void* argument;
};

void* drain(void* pointer) {
  Loop& loop = *static_cast<Loop*>(pointer);
  for (size_t i; (i = loop.next.fetch_add(1)) < loop.count;) loop.task(loop.argument, i);
  return nullptr;
}

constexpr int kMaxThreads = 16;

// Threads made for one loop: slow, but enough to show that results do not depend on their number.
void run_with_threads(void* context, size_t count, void (*task)(void*, size_t), void* argument) {
  Loop loop;
  loop.count = count, loop.task = task, loop.argument = argument;
  pthread_t threads[kMaxThreads];
  int started = 0;
  const int wanted = *static_cast<int*>(context) - 1;
  while (started < wanted && started < kMaxThreads && pthread_create(&threads[started], nullptr, drain, &loop) == 0) ++started;
  drain(&loop);
  for (int i = 0; i < started; ++i) pthread_join(threads[i], nullptr);
}

}  // namespace
}  // namespace flashvl

// Name of the instruction set that `wanted` (or, empty, the processor) selects; a message in place of a name when it can't.
FLASHVL_EXPORT const char* flashvl_kernel_name(const char* wanted) {
  const char* message = nullptr;
  const flashvl::KernelTable* table = flashvl::select_kernels(wanted, &message);
  return table ? table->name : message;
}

// y [m, n] = x [m, k] w^T + bias; 0 when done, 1 when the instruction set is not there, 2 when memory is out.
FLASHVL_EXPORT int flashvl_blockwise_matmul(const char* kernel, int threads, const float* x, int64_t m, int64_t n, int64_t k, int bits,
                                            int64_t block, const uint8_t* values, const void* scales, int half_scales, const float* bias,
                                            float* y) {
  const char* message = nullptr;
  const flashvl::KernelTable* table = flashvl::select_kernels(kernel, &message);
  if (!table) return 1;
  const flashvl::PackedWeights w = flashvl::packed_weights(values, scales, half_scales != 0, bits, n, k, block);
  return flashvl::blockwise_matmul(*table, {flashvl::run_with_threads, &threads}, x, m, w, bias, y) ? 0 : 2;
}
