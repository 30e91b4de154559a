// The ops CachedAttention and HalfCachedAttention of ONNX domain "flashvl".
#include <math.h>
#include <string.h>

#include "cached-attention.h"
#include "ort-op.h"

namespace flashvl {
namespace ort {
namespace {

// Y [B, S, num_heads*D], present keys and values = causal attention over a cache with rotary positions: attributes num_heads,
// kv_num_heads, width (num_heads*D), scale (0: 1 / sqrt(D)); inputs qkv fp32 [B, S, (num_heads + 2 kv_num_heads)*D], past keys
// and values fp32 (fp16 with HalfCachedAttention) [slots, kv_num_heads, capacity, D], slots int32 [B], last positions int32 [B], cos and sin fp32 [P, D/2].
// Present and past are meant to be one buffer; otherwise the past is copied first.
template <ElementType kNumber>
struct CachedAttention {
  static constexpr const char* kName = kNumber == kFloat16 ? "HalfCachedAttention" : "CachedAttention";
  static constexpr const char* kLast = nullptr;
  static constexpr size_t kInputs = 7, kRequiredInputs = 7, kOutputs = 3, kRequiredOutputs = 3;
  static constexpr int kInplace = -1;
  static ElementType input_type(size_t i) { return i == 1 || i == 2 ? kNumber : i == 3 || i == 4 ? kInt32 : kFloat; }
  static ElementType output_type(size_t i) { return i > 0 ? kNumber : kFloat; }

  const Api* api;
  const CachedKernels* kernels;
  int64_t heads, kv_heads, width;
  float scale;

  Status* load(const KernelInfo* info) {
    FLASHVL_TRY(api->attribute_int(info, "num_heads", &heads));
    FLASHVL_TRY(api->attribute_int(info, "kv_num_heads", &kv_heads));
    FLASHVL_TRY(api->attribute_int(info, "width", &width));
    if (heads <= 0 || kv_heads <= 0 || heads % kv_heads) return api->error("CachedAttention: num_heads must be a multiple of kv_num_heads");
    if (width <= 0 || width % (heads * 16)) return api->error("CachedAttention: width must be num_heads times a multiple of 16");
    if (Status* absent = api->attribute_float(info, "scale", &scale)) api->release(absent), scale = 0;
    const char* message = nullptr;
    const KernelTable* table = select_kernels(getenv("FLASHVL_KERNEL"), &message);
    if (!table) return api->error(message);
    kernels = kNumber == kFloat16 ? &table->cached_halves : &table->cached;
    return nullptr;
  }

  Status* present(KernelContext* context, size_t index, const Tensor& past, void** out) const {
    FLASHVL_TRY(write_output(*api, context, index, past.dims, past.rank, out));
    if (*out != past.data) memcpy(*out, past.data, size_t(past.count * kernels->number_bytes));
    return nullptr;
  }

  Status* run(KernelContext* context) const {
    Tensor qkv, keys, values, slots, last, cos, sin;
    Tensor* const inputs[] = {&qkv, &keys, &values, &slots, &last, &cos, &sin};
    for (size_t i = 0; i < kInputs; ++i) FLASHVL_TRY(read_input(*api, context, i, *inputs[i]));
    const int64_t size = width / heads;
    if (qkv.rank != 3 || qkv.dims[2] != width + 2 * kv_heads * size)
      return api->error("CachedAttention: qkv must be [batch, tokens, (num_heads + 2 kv_num_heads) x size]");
    if (keys.rank != 4 || keys.dims[1] != kv_heads || keys.dims[3] != size)
      return api->error("CachedAttention: past keys must be [slots, kv_num_heads, capacity, size]");
    for (size_t i = 0; i < 4; ++i)
      if (values.rank != 4 || values.dims[i] != keys.dims[i]) return api->error("CachedAttention: past values must have the shape of the keys");
    if (slots.count != qkv.dims[0] || last.count != qkv.dims[0]) return api->error("CachedAttention: slots and last positions must be [batch]");
    if (cos.rank != 2 || cos.dims[1] != size / 2 || sin.count != cos.count) return api->error("CachedAttention: cos and sin must be [positions, size / 2]");
    const int32_t *slot = static_cast<const int32_t*>(slots.data), *position = static_cast<const int32_t*>(last.data);
    for (int64_t b = 0; b < qkv.dims[0]; ++b) {
      if (slot[b] < 0 || slot[b] >= keys.dims[0]) return api->error("CachedAttention: a slot is not a row of the cache");
      if (position[b] + 1 < qkv.dims[1] || position[b] >= keys.dims[2] || position[b] >= cos.dims[0])
        return api->error("CachedAttention: a last position is outside the cache, outside the rotary table, or before its own tokens");
    }
    CachedProblem problem = {};
    FLASHVL_TRY(present(context, 1, keys, &problem.keys));
    FLASHVL_TRY(present(context, 2, values, &problem.values));
    const int64_t dims[] = {qkv.dims[0], qkv.dims[1], width};
    FLASHVL_TRY(write_output(*api, context, 0, dims, 3, &problem.out));
    problem.qkv = static_cast<const float*>(qkv.data);
    problem.slots = slot, problem.last_positions = position;
    problem.cos = static_cast<const float*>(cos.data), problem.sin = static_cast<const float*>(sin.data);
    problem.batch = qkv.dims[0], problem.tokens = qkv.dims[1], problem.capacity = keys.dims[2];
    problem.heads = heads, problem.kv_heads = kv_heads, problem.size = size;
    problem.scale = scale > 0 ? scale : 1.0f / sqrtf(float(size));
    Threads threads = {api, context};
    const bool done = cached_attention(*kernels, threads.parallel(), problem);
    if (threads.failure) return threads.failure;
    return done ? nullptr : api->error("CachedAttention: out of memory");
  }
};

}  // namespace

const CustomOp* cached_attention_op() {
  static const CustomOp op = describe<CachedAttention<kFloat>>();
  return &op;
}
const CustomOp* half_cached_attention_op() {
  static const CustomOp op = describe<CachedAttention<kFloat16>>();
  return &op;
}

}  // namespace ort
}  // namespace flashvl
