// Threads, clock and memory bandwidth for the micro-benchmarks.
#pragma once
#include <atomic>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <initializer_list>

#include "../../native/src/parallel.h"

namespace bench {

inline double now() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}

// The caller and one spinning helper, as ONNX Runtime's pool with two intra-op threads.
struct Pool {
  std::atomic<int> go{0}, done{0};
  std::atomic<size_t> next{0};
  size_t count = 0;
  void (*task)(void*, size_t) = nullptr;
  void* argument = nullptr;

  Pool() {
    pthread_t thread;
    pthread_create(&thread, nullptr, [](void* self) -> void* { static_cast<Pool*>(self)->help(); return nullptr; }, this);
  }
  void drain() {
    for (size_t i; (i = next.fetch_add(1)) < count;) task(argument, i);
  }
  void help() {
    for (int seen = 0;;) {
      while (go.load(std::memory_order_acquire) == seen) __builtin_ia32_pause();
      seen = go.load();
      drain();
      done.store(seen, std::memory_order_release);
    }
  }
  static void run(void* self, size_t count, void (*task)(void*, size_t), void* argument) {
    Pool& pool = *static_cast<Pool*>(self);
    pool.count = count, pool.task = task, pool.argument = argument;
    pool.next.store(0);
    const int mark = pool.go.load() + 1;
    pool.go.store(mark, std::memory_order_release);
    pool.drain();
    while (pool.done.load(std::memory_order_acquire) != mark) __builtin_ia32_pause();
  }
};

// Two threads, or one where the environment variable THREADS is 1.
inline flashvl::Parallel threads() {
  const char* wanted = getenv("THREADS");
  if (wanted && atoi(wanted) == 1)
    return {[](void*, size_t count, void (*task)(void*, size_t), void* argument) {
              for (size_t i = 0; i < count; ++i) task(argument, i);
            },
            nullptr};
  return {Pool::run, new Pool};
}

// Bytes per second of plain reads.
inline double read_bandwidth(const char* data, size_t bytes, const flashvl::Parallel& parallel) {
  constexpr size_t kChunk = 1 << 20;
  double best = 1e9;
  for (int repeat = 0; repeat < 8; ++repeat) {
    const double start = now();
    parallel(bytes / kChunk, [&](size_t i) {
      typedef long long Line __attribute__((vector_size(64)));
      const Line* p = (const Line*)(data + i * kChunk);
      Line a = {0}, b = {0};
      for (size_t j = 0; j < kChunk / 64; j += 2) a += p[j], b += p[j + 1];
      a += b;
      if (a[0] == 12345) printf("!");  // the sum must be needed by something
    });
    const double seconds = now() - start;
    if (seconds < best) best = seconds;
  }
  return bytes / best;
}

// Seconds of the fastest of repeats that together take about `budget` seconds.
template <typename Body>
double fastest(double budget, const Body& body) {
  double best = 1e9, total = 0;
  for (size_t i = 0; total < budget || i < 3; ++i) {
    const double start = now();
    body(i);
    const double seconds = now() - start;
    total += seconds;
    if (seconds < best) best = seconds;
  }
  return best;
}

}  // namespace bench
