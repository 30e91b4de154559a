// The op BlockMaxima of ONNX domain "flashvl".
#include "ort-op.h"

namespace flashvl {
namespace ort {
namespace {

// The largest of `count` numbers that are no NaN; minus infinity where there is none.
float largest_of(const float* x, int64_t count) {
  float lanes[16];
  for (float& lane : lanes) lane = -__builtin_inff();
  int64_t i = 0;
  for (; i + 16 <= count; i += 16)
    for (int j = 0; j < 16; ++j) lanes[j] = x[i + j] > lanes[j] ? x[i + j] : lanes[j];
  for (; i < count; ++i) lanes[0] = x[i] > lanes[0] ? x[i] : lanes[0];
  float most = lanes[0];
  for (float lane : lanes) most = lane > most ? lane : most;
  return most;
}

// Y [rows, width] = the largest of every `block` neighbours of X [rows, n]: attributes block and width (n / block, rounded up).
struct BlockMaxima {
  static constexpr const char* kName = "BlockMaxima";
  static constexpr const char* kLast = "width";
  static constexpr size_t kInputs = 1, kRequiredInputs = 1;
  static ElementType input_type(size_t) { return kFloat; }

  const Api* api;
  int64_t block, width;

  Status* load(const KernelInfo* info) {
    FLASHVL_TRY(api->attribute_int(info, "block", &block));
    FLASHVL_TRY(api->attribute_int(info, "width", &width));
    return block > 0 && width > 0 ? nullptr : api->error("BlockMaxima: block and width must be positive");
  }

  Status* run(KernelContext* context) const {
    Tensor x;
    FLASHVL_TRY(read_input(*api, context, 0, x));
    if (x.rank != 2 || (x.dims[1] + block - 1) / block != width) return api->error("BlockMaxima: X must be [rows, n] with width = n / block, rounded up");
    const int64_t dims[] = {x.dims[0], width}, n = x.dims[1];
    float* y = nullptr;
    FLASHVL_TRY(write_output(*api, context, 0, dims, 2, &y));
    const float* data = static_cast<const float*>(x.data);
    Threads threads = {api, context};
    const auto some = [&](size_t task) {  // half a row
      const int64_t row = int64_t(task) / 2, half = int64_t(task) % 2;
      for (int64_t b = half * width / 2; b < (half + 1) * width / 2; ++b)
        y[row * width + b] = largest_of(data + row * n + b * block, n - b * block < block ? n - b * block : block);
    };
    if (x.dims[0] > 0) threads.parallel()(size_t(2 * x.dims[0]), some);
    return threads.failure;
  }
};

}  // namespace

const CustomOp* block_maxima_op() {
  static const CustomOp op = describe<BlockMaxima>();
  return &op;
}

}  // namespace ort
}  // namespace flashvl
