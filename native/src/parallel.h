// How a kernel asks for threads: the caller (ONNX Runtime, or a test) supplies the loop.
#pragma once
#include <stddef.h>

namespace flashvl {

// Runs task(argument, i) for every i in 0 .. count - 1, in any order, on any threads, and returns when all are done.
struct Parallel {
  void (*run)(void* context, size_t count, void (*task)(void* argument, size_t index), void* argument);
  void* context;

  template <typename Body>
  void operator()(size_t count, const Body& body) const {
    if (count == 1) return body(size_t(0));
    run(context, count, [](void* argument, size_t index) { (*static_cast<const Body*>(argument))(index); }, (void*)&body);
  }
};

}  // namespace flashvl
