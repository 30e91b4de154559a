// Plain C entry points beside the ONNX Runtime ones, for tests and benchmarks.
#include <pthread.h>
#include <stdint.h>

#include <atomic>

#include "attention.h"
#include "blockwise.h"
#include "cached-attention.h"
#include "train-kernels.h"

#if defined(__linux__) && defined(__GLIBC__)
// The oldest versions of these symbols, so that one build also loads on systems older than the one it was made on.
#if defined(__x86_64__)
#define FLASHVL_GLIBC "GLIBC_2.2.5"
#elif defined(__aarch64__)
#define FLASHVL_GLIBC "GLIBC_2.17"
#endif
#ifdef FLASHVL_GLIBC
__asm__(".symver pthread_create, pthread_create@" FLASHVL_GLIBC);
__asm__(".symver pthread_join, pthread_join@" FLASHVL_GLIBC);
#endif
#endif

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

// Full attention with bfloat16 factors where `half` is set and the processor has them, else in fp32. Returns the name of the
// numbers used, or null when the instruction set is not there or memory is out. q, k, v: `stride` floats between positions.
FLASHVL_EXPORT const char* flashvl_full_attention(const char* kernel, int threads, int half, const float* q, const float* k, const float* v,
                                                  int64_t stride, int64_t batch, int64_t length, int64_t heads, int64_t size, float scale,
                                                  float* out) {
  const char* message = nullptr;
  const flashvl::KernelTable* table = flashvl::select_kernels(kernel, &message);
  if (!table) return nullptr;
  const flashvl::AttentionKernels* kernels = half ? flashvl::half_precision_attention(*table) : nullptr;
  if (!kernels) kernels = &table->attention;
  const flashvl::AttentionProblem problem = {q, k, v, out, batch, length, heads, size, stride, scale};
  return flashvl::full_attention(*kernels, {flashvl::run_with_threads, &threads}, problem) ? kernels->name : nullptr;
}

// Attention over a cache of float16 where `half` is set, else of float32, shaped as in CachedProblem; 0, 1 or 2 as above.
FLASHVL_EXPORT int flashvl_cached_attention(const char* kernel, int threads, int half, const float* qkv, void* keys, void* values,
                                            const int32_t* slots, const int32_t* last_positions, const float* cos, const float* sin, float* out,
                                            int64_t batch, int64_t tokens, int64_t heads, int64_t kv_heads, int64_t size, int64_t capacity,
                                            float scale) {
  const char* message = nullptr;
  const flashvl::KernelTable* table = flashvl::select_kernels(kernel, &message);
  if (!table) return 1;
  const flashvl::CachedProblem problem = {qkv, keys, values, slots, last_positions, cos, sin, out, batch, tokens, heads, kv_heads, size, capacity, scale};
  return flashvl::cached_attention(half ? table->cached_halves : table->cached, {flashvl::run_with_threads, &threads}, problem) ? 0 : 2;
}

// What products of training are made of at best, "bf16" or "fp32"; null when the instruction set is not there.
FLASHVL_EXPORT const char* flashvl_train_numbers(const char* kernel) {
  const char* message = nullptr;
  const flashvl::TrainKernels* kernels = flashvl::select_train_kernels(kernel, &message);
  return !kernels ? nullptr : flashvl::bfloat16_products(*kernels) ? "bf16" : "fp32";
}
