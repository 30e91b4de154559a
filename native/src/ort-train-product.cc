// The op TrainProduct of ONNX domain "flashvl".
#include "ort-train.h"
#include "train-matmul.h"

namespace flashvl {
namespace ort {
namespace {

// Y = op(A) op(B) + bias, rows over all axes but the last. Attributes transA, transB, bf16. Without transA: A [..., K], B [K, N] or,
// with transB, [N, K], Y [..., N]. With transA: A [..., M] and B [..., N] with equally many rows, Y [M, N], and the optional second
// output holds the sums of A over its rows, [M].
struct TrainProduct {
  static constexpr const char* kName = "TrainProduct";
  static constexpr const char* kLast = nullptr;
  static constexpr size_t kInputs = 3, kRequiredInputs = 2, kOutputs = 2, kRequiredOutputs = 1;
  static constexpr int kInplace = -1;
  static ElementType input_type(size_t) { return kFloat; }

  const Api* api;
  const ProductKernels* kernels;
  int64_t trans_a, trans_b;

  Status* load(const KernelInfo* info) {
    FLASHVL_TRY(api->attribute_int(info, "transA", &trans_a));
    FLASHVL_TRY(api->attribute_int(info, "transB", &trans_b));
    return load_products(*api, info, &kernels);
  }

  Status* run(KernelContext* context) const {
    Tensor in[3];
    FLASHVL_TRY(read_inputs(*api, context, in));
    const Tensor &a = in[0], &b = in[1], &bias = in[2];
    if (a.rank < 2 || b.rank < 2) return api->error("TrainProduct: A and B must be matrices");
    Product p = {{floats(a), width_of(a), trans_a != 0}, {floats(b), width_of(b), trans_b != 0}, 0, 0, 0, floats(bias), nullptr, nullptr};
    p.m = trans_a ? width_of(a) : rows_of(a);
    p.k = trans_a ? rows_of(a) : width_of(a);
    p.n = trans_b ? rows_of(b) : width_of(b);
    if ((trans_b ? width_of(b) : rows_of(b)) != p.k) return api->error("TrainProduct: the inner sizes of A and B differ");
    if (bias.data && bias.count != p.n) return api->error("TrainProduct: the bias does not fit the columns of B");
    int64_t dims[kMaxRank];
    for (size_t i = 0; i < a.rank; ++i) dims[i] = a.dims[i];
    dims[a.rank - 1] = p.n;
    const int64_t matrix[2] = {p.m, p.n};
    FLASHVL_TRY(trans_a ? write_output(*api, context, 0, matrix, 2, &p.c) : write_output(*api, context, 0, dims, a.rank, &p.c));
    size_t outputs = 0;
    FLASHVL_TRY(api->output_count(context, &outputs));
    if (outputs > 1 && !trans_a) return api->error("TrainProduct: only with transA are there sums of A");
    if (outputs > 1) FLASHVL_TRY(write_output(*api, context, 1, matrix, 1, &p.sums));
    Threads threads = {api, context};
    const bool done = train_product(*kernels, threads.parallel(), p);
    if (threads.failure) return threads.failure;
    return done ? nullptr : api->error("TrainProduct: out of memory");
  }
};

}  // namespace

const CustomOp* train_product_op() {
  static const CustomOp op = describe<TrainProduct>();
  return &op;
}

}  // namespace ort
}  // namespace flashvl
