// The shared list of working memory.
#include "scratch.h"

#include <atomic>
#include <stdlib.h>

namespace flashvl {
namespace {

// Buffers kept: more than the calls that one process has under way at once.
constexpr int kSlots = 16;
struct Slot {
  char* data;
  size_t bytes;
};
Slot slots[kSlots];
std::atomic_flag busy = ATOMIC_FLAG_INIT;

// Held for a walk over the slots only.
struct Lock {
  Lock() {
    while (busy.test_and_set(std::memory_order_acquire)) {
    }
  }
  ~Lock() { busy.clear(std::memory_order_release); }
};

}  // namespace

// The smallest kept buffer that is large enough, so that a small request does not take what the next large one needs.
Scratch::Scratch(size_t bytes) : data_(nullptr), bytes_(bytes) {
  {
    Lock lock;
    Slot* best = nullptr;
    for (Slot& slot : slots)
      if (slot.data && slot.bytes >= bytes && (!best || slot.bytes < best->bytes)) best = &slot;
    if (best) {
      data_ = best->data, bytes_ = best->bytes;
      *best = {nullptr, 0};
      return;
    }
  }
  void* p = nullptr;
  if (posix_memalign(&p, 64, bytes) == 0) data_ = static_cast<char*>(p);
}

// Takes the place of the smallest kept buffer, which is free space where there is any.
Scratch::~Scratch() {
  Slot gone = {data_, bytes_};
  if (data_) {
    Lock lock;
    Slot* smallest = &slots[0];
    for (Slot& slot : slots)
      if (slot.bytes < smallest->bytes) smallest = &slot;
    if (smallest->bytes < bytes_) {
      gone = *smallest;
      *smallest = {data_, bytes_};
    }
  }
  free(gone.data);
}

}  // namespace flashvl
