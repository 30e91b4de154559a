// The shared list of working memory.
#include "scratch.h"

#include <atomic>
#include <stdlib.h>

namespace flashvl {
namespace {

// Buffers kept: more than the calls that one process has under way at once.
constexpr int kSlots = 16;
struct Slot {
  std::atomic_flag busy = ATOMIC_FLAG_INIT;
  char* data = nullptr;
  size_t bytes = 0;
};
Slot slots[kSlots];

char* allocate(size_t bytes) {
  void* p = nullptr;
  return posix_memalign(&p, 64, bytes) == 0 ? static_cast<char*>(p) : nullptr;
}

}  // namespace

Scratch::Scratch(size_t bytes) : data_(nullptr), bytes_(bytes) {
  for (Slot& slot : slots) {
    if (slot.busy.test_and_set(std::memory_order_acquire)) continue;
    if (slot.bytes >= bytes) data_ = slot.data, bytes_ = slot.bytes;
    else free(slot.data), data_ = allocate(bytes);
    slot.data = nullptr;
    slot.bytes = 0;
    slot.busy.clear(std::memory_order_release);
    return;
  }
  data_ = allocate(bytes);
}

Scratch::~Scratch() {
  for (Slot& slot : slots) {
    if (slot.busy.test_and_set(std::memory_order_acquire)) continue;
    const bool keep = slot.data == nullptr;
    if (keep) slot.data = data_, slot.bytes = bytes_;
    slot.busy.clear(std::memory_order_release);
    if (keep) return;
  }
  free(data_);
}

}  // namespace flashvl
