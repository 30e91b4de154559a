// The ops TrainAttention and TrainAttentionGrad of ONNX domain "flashvl".
#include "ort-train.h"
#include "train-attention.h"

namespace flashvl {
namespace ort {
namespace {

struct AttentionAttributes {
  const Api* api;
  const ProductKernels* kernels;
  int64_t heads, kv_heads;
  float scale;

  Status* load(const KernelInfo* info) {
    FLASHVL_TRY(api->attribute_int(info, "num_heads", &heads));
    FLASHVL_TRY(api->attribute_int(info, "kv_num_heads", &kv_heads));
    FLASHVL_TRY(api->attribute_float(info, "scale", &scale));
    if (heads <= 0 || kv_heads <= 0 || heads % kv_heads) return api->error("TrainAttention: num_heads must be a multiple of kv_num_heads");
    return load_products(*api, info, &kernels);
  }

  // Q, K, V at 0 .. 2; segments and branches, if any, from `masks` on.
  Status* problem(const KernelContext* context, size_t masks, Tensor& q, Tensor& k, TrainAttention& out) const {
    Tensor v, segments, branches;
    FLASHVL_TRY(read_input(*api, context, 0, q));
    FLASHVL_TRY(read_input(*api, context, 1, k));
    FLASHVL_TRY(read_input(*api, context, 2, v));
    FLASHVL_TRY(read_input(*api, context, masks, segments));
    FLASHVL_TRY(read_input(*api, context, masks + 1, branches));
    if (q.rank != 3 || k.rank != 3 || q.dims[2] % heads || q.dims[0] != k.dims[0] || q.dims[1] != k.dims[1] || k.count != v.count)
      return api->error("TrainAttention: Q must be [batch, positions, num_heads x size], K and V alike with kv_num_heads");
    const int64_t size = q.dims[2] / heads, tokens = q.dims[0] * q.dims[1];
    if (k.dims[2] != kv_heads * size) return api->error("TrainAttention: heads of K and of Q differ in size");
    if (!segments.data != !branches.data || (segments.data && (segments.count != tokens || branches.count != tokens)))
      return api->error("TrainAttention: segments and branches must be [batch, positions], both or neither");
    out = {q.dims[0], q.dims[1], heads, kv_heads, size, scale, floats(q), floats(k), floats(v), static_cast<const int32_t*>(segments.data),
           static_cast<const int32_t*>(branches.data)};
    return nullptr;
  }
};

// Y, LSE of softmax(Q K^T scale) V; inputs Q, K, V fp32, optional segments, branches int32 (see train-attention.h).
struct Forward : AttentionAttributes {
  static constexpr const char* kName = "TrainAttention";
  static constexpr const char* kLast = nullptr;
  static constexpr size_t kInputs = 5, kRequiredInputs = 3, kOutputs = 2, kRequiredOutputs = 2;
  static constexpr int kInplace = -1;
  static ElementType input_type(size_t i) { return i < 3 ? kFloat : kInt32; }

  Status* run(KernelContext* context) const {
    Tensor q, k;
    TrainAttention a;
    FLASHVL_TRY(problem(context, 3, q, k, a));
    float *y = nullptr, *lse = nullptr;
    const int64_t sums[3] = {a.batch, heads, a.length};
    FLASHVL_TRY(write_output(*api, context, 0, q.dims, 3, &y));
    FLASHVL_TRY(write_output(*api, context, 1, sums, 3, &lse));
    Threads threads = {api, context};
    const bool done = train_attention(*kernels, threads.parallel(), a, y, lse);
    if (threads.failure) return threads.failure;
    return done ? nullptr : api->error("TrainAttention: out of memory");
  }
};

// dQ, dK, dV; inputs Q, K, V, Y, LSE, dY and the forward's segments and branches.
struct Backward : AttentionAttributes {
  static constexpr const char* kName = "TrainAttentionGrad";
  static constexpr const char* kLast = nullptr;
  static constexpr size_t kInputs = 8, kRequiredInputs = 6, kOutputs = 3, kRequiredOutputs = 3;
  static constexpr int kInplace = -1;
  static ElementType input_type(size_t i) { return i < 6 ? kFloat : kInt32; }

  Status* run(KernelContext* context) const {
    Tensor q, k, y, lse, dy;
    TrainAttention a;
    FLASHVL_TRY(problem(context, 6, q, k, a));
    FLASHVL_TRY(read_input(*api, context, 3, y));
    FLASHVL_TRY(read_input(*api, context, 4, lse));
    FLASHVL_TRY(read_input(*api, context, 5, dy));
    if (y.count != q.count || dy.count != q.count || lse.count != a.batch * heads * a.length)
      return api->error("TrainAttentionGrad: Y, LSE and dY do not fit Q");
    float *dq = nullptr, *dk = nullptr, *dv = nullptr;
    FLASHVL_TRY(write_output(*api, context, 0, q.dims, 3, &dq));
    FLASHVL_TRY(write_output(*api, context, 1, k.dims, 3, &dk));
    FLASHVL_TRY(write_output(*api, context, 2, k.dims, 3, &dv));
    Threads threads = {api, context};
    const bool done = train_attention_grad(*kernels, threads.parallel(), a, floats(y), floats(lse), floats(dy), dq, dk, dv);
    if (threads.failure) return threads.failure;
    return done ? nullptr : api->error("TrainAttentionGrad: out of memory");
  }
};

}  // namespace

const CustomOp* const* train_attention_ops(size_t* count) {
  static const CustomOp forward = describe<Forward>(), backward = describe<Backward>();
  static const CustomOp* const ops[] = {&forward, &backward};
  *count = sizeof ops / sizeof ops[0];
  return ops;
}

}  // namespace ort
}  // namespace flashvl
