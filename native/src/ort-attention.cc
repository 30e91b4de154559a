// The op TowerAttention of ONNX domain "flashvl".
#include <math.h>

#include "attention.h"
#include "ort-op.h"

namespace flashvl {
namespace ort {
namespace {

// Y [B, S, H*D] = softmax(Q K^T * scale) V per head, nothing masked: attributes num_heads, scale (0: 1 / sqrt(D)),
// fp32 (0: bfloat16 factors where the processor has them; 1: always fp32) and width (H*D); inputs Q, K, V fp32 [B, S, H*D], or
// all three side by side as Q [B, S, 3*H*D].
struct TowerAttention {
  static constexpr const char* kName = "TowerAttention";
  static constexpr const char* kLast = "width";
  static constexpr size_t kInputs = 3, kRequiredInputs = 1;
  static ElementType input_type(size_t) { return kFloat; }

  const Api* api;
  const AttentionKernels* kernels;
  int64_t heads, width;
  float scale;

  Status* load(const KernelInfo* info) {
    FLASHVL_TRY(api->attribute_int(info, "num_heads", &heads));
    FLASHVL_TRY(api->attribute_int(info, "width", &width));
    if (heads <= 0 || width <= 0 || width % heads) return api->error("TowerAttention: width must be a multiple of num_heads");
    int64_t fp32 = 0;
    if (Status* absent = api->attribute_int(info, "fp32", &fp32)) api->release(absent);
    if (Status* absent = api->attribute_float(info, "scale", &scale)) api->release(absent), scale = 0;
    const char* message = nullptr;
    const KernelTable* table = select_kernels(getenv("FLASHVL_KERNEL"), &message);
    if (!table) return api->error(message);
    kernels = fp32 ? nullptr : half_precision_attention(*table);
    if (!kernels) kernels = &table->attention;
    return nullptr;
  }

  Status* run(KernelContext* context) const {
    Tensor q, k, v;
    FLASHVL_TRY(read_input(*api, context, 0, q));
    FLASHVL_TRY(read_input(*api, context, 1, k));
    FLASHVL_TRY(read_input(*api, context, 2, v));
    const bool packed = !k.data && !v.data;
    if (q.rank != 3 || q.dims[2] != (packed ? 3 * width : width)) return api->error("TowerAttention: Q must be [batch, positions, width], or three times as wide without K and V");
    for (size_t i = 0; i < 3 && !packed; ++i)
      if (k.rank != 3 || v.rank != 3 || k.dims[i] != q.dims[i] || v.dims[i] != q.dims[i])
        return api->error("TowerAttention: K and V must have the shape of Q");
    float* y = nullptr;
    const int64_t dims[] = {q.dims[0], q.dims[1], width};
    FLASHVL_TRY(write_output(*api, context, 0, dims, 3, &y));
    const int64_t size = width / heads;
    const float* queries = static_cast<const float*>(q.data);
    const float *keys = packed ? queries + width : static_cast<const float*>(k.data), *values = packed ? queries + 2 * width : static_cast<const float*>(v.data);
    const AttentionProblem problem = {queries, keys, values, y, q.dims[0], q.dims[1], heads, size, q.dims[2], scale > 0 ? scale : 1.0f / sqrtf(float(size))};
    Threads threads = {api, context};
    const bool done = full_attention(*kernels, threads.parallel(), problem);
    if (threads.failure) return threads.failure;
    return done ? nullptr : api->error("TowerAttention: out of memory");
  }
};

}  // namespace

const CustomOp* attention_op() {
  static const CustomOp op = describe<TowerAttention>();
  return &op;
}

}  // namespace ort
}  // namespace flashvl
