// The op BlockwiseMatMul of ONNX domain "flashvl".
#include "blockwise.h"
#include "ort-ops.h"
#include "ort-op.h"

namespace flashvl {
namespace ort {
namespace {

// Y [..., N] = X [..., K] W^T + bias: attributes K, N, bits, block_size; inputs X fp32, W uint8 in panels, scales fp32 or fp16;
// optional: bias fp32 [N], residual like Y, norm weight and norm bias fp32 [K]. Optional attributes: epsilon of the norm that X
// passes first (RMSNorm, or LayerNorm where it has a bias), activation (1: GELU by tanh, 2: SwiGLU, of N / 2 columns, 3: GELU) and
// width, the last dimension of Y, which only shape inference needs.
struct BlockwiseMatMul {
  static constexpr const char* kName = "BlockwiseMatMul";
  static constexpr const char* kLast = "width";
  static constexpr size_t kInputs = 7, kRequiredInputs = 3;
  static ElementType input_type(size_t i) { return i == 1 ? kUint8 : i == 2 ? kUndefined : kFloat; }  // undefined: any, checked below

  const Api* api;
  const KernelTable* kernels;
  int64_t k, n, bits, block, activation, width;
  float epsilon;

  Status* load(const KernelInfo* info) {
    FLASHVL_TRY(api->attribute_int(info, "K", &k));
    FLASHVL_TRY(api->attribute_int(info, "N", &n));
    FLASHVL_TRY(api->attribute_int(info, "bits", &bits));
    FLASHVL_TRY(api->attribute_int(info, "block_size", &block));
    FLASHVL_TRY(api->attribute_int(info, "width", &width));
    if (Status* absent = api->attribute_int(info, "activation", &activation)) api->release(absent), activation = kNoActivation;
    if (Status* absent = api->attribute_float(info, "epsilon", &epsilon)) api->release(absent), epsilon = 0;
    if (activation < kNoActivation || activation > kGelu) return api->error("BlockwiseMatMul: activation must be 0, 1, 2 or 3");
    if (activation == kSwiGlu && n % (2 * kPanelColumns)) return api->error("BlockwiseMatMul: SwiGLU needs N to be a multiple of 32");
    if (width != (activation == kSwiGlu ? n / 2 : n)) return api->error("BlockwiseMatMul: width must be N, or N / 2 with SwiGLU");
    if (k <= 0 || n <= 0) return api->error("BlockwiseMatMul: K and N must be positive");
    if (bits != 4 && bits != 8) return api->error("BlockwiseMatMul: bits must be 4 or 8");
    // Sums of 127 * 255 must fit 31 bits, so a block ends well before 65,536 values.
    if (block < 32 || block % 32 != 0 || block > 65536) return api->error("BlockwiseMatMul: block_size must be a multiple of 32 up to 65536");
    const char* message = nullptr;
    kernels = select_kernels(getenv("FLASHVL_KERNEL"), &message);
    return kernels ? nullptr : api->error(message);
  }

  Status* run(KernelContext* context) const {
    Tensor x, values, scales, bias, residual, norm_weight, norm_bias;
    FLASHVL_TRY(read_input(*api, context, 0, x));
    FLASHVL_TRY(read_input(*api, context, 1, values));
    FLASHVL_TRY(read_input(*api, context, 2, scales));
    FLASHVL_TRY(read_input(*api, context, 3, bias));
    FLASHVL_TRY(read_input(*api, context, 4, residual));
    FLASHVL_TRY(read_input(*api, context, 5, norm_weight));
    FLASHVL_TRY(read_input(*api, context, 6, norm_bias));
    if (scales.type != kFloat && scales.type != kFloat16) return api->error("BlockwiseMatMul: scales must be fp32 or fp16");
    const PackedWeights w = packed_weights(values.data, scales.data, scales.type == kFloat16, int(bits), n, k, block);
    if (x.rank == 0 || x.dims[x.rank - 1] != k) return api->error("BlockwiseMatMul: the last dimension of X is not K");
    if (values.count != w.panels * w.blocks * kPanelColumns * block * bits / 8)
      return api->error("BlockwiseMatMul: W must hold ceil(N/16) x ceil(K/block_size) x 16 x block_size x bits/8 bytes, as packed for this op");
    if (scales.count != w.panels * w.blocks * kPanelColumns)
      return api->error("BlockwiseMatMul: scales must hold ceil(N/16) x ceil(K/block_size) x 16 numbers, as packed for this op");
    if (bias.data && bias.count != n) return api->error("BlockwiseMatMul: bias must hold N numbers");
    if (residual.data && (residual.count != x.count / k * width || activation == kSwiGlu))
      return api->error("BlockwiseMatMul: residual must have the shape of Y, without SwiGLU");
    if ((norm_weight.data && norm_weight.count != k) || (norm_bias.data && (norm_bias.count != k || !norm_weight.data)))
      return api->error("BlockwiseMatMul: norm weight and bias must hold K numbers");

    int64_t dims[kMaxRank];
    for (size_t i = 0; i < x.rank; ++i) dims[i] = x.dims[i];
    dims[x.rank - 1] = width;
    float* y = nullptr;
    FLASHVL_TRY(write_output(*api, context, 0, dims, x.rank, &y));
    Fusion fusion;
    fusion.norm.kind = !norm_weight.data ? kNoNorm : norm_bias.data ? kLayerNorm : kRmsNorm;
    fusion.norm.weight = static_cast<const float*>(norm_weight.data), fusion.norm.bias = static_cast<const float*>(norm_bias.data);
    fusion.norm.epsilon = epsilon;
    fusion.activation = Activation(activation);
    fusion.residual = static_cast<const float*>(residual.data);
    Threads threads = {api, context};
    const bool done = blockwise_matmul(*kernels, threads.parallel(), static_cast<const float*>(x.data), x.count / k, w,
                                       static_cast<const float*>(bias.data), y, fusion);
    if (threads.failure) return threads.failure;
    return done ? nullptr : api->error("BlockwiseMatMul: out of memory for the quantised activations");
  }
};

}  // namespace

const CustomOp* blockwise_op() {
  static const CustomOp op = describe<BlockwiseMatMul>();
  return &op;
}

}  // namespace ort
}  // namespace flashvl
