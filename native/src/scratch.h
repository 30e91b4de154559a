// Working memory that is kept between calls: fresh pages from the system would cost more than a small product.
#pragma once
#include <stddef.h>

namespace flashvl {

// A 64-byte aligned buffer of at least `bytes`, taken from a shared list and returned to it. `data` is null when memory is out.
class Scratch {
 public:
  explicit Scratch(size_t bytes);
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  char* data() const { return data_; }

 private:
  char* data_;
  size_t bytes_;
};

}  // namespace flashvl
