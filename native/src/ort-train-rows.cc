// The ops of ONNX domain "flashvl" that go over rows or elements once: activations, norms, log-probabilities, and their gradients.
#include <string.h>

#include "ort-train.h"
#include "scratch.h"

namespace flashvl {
namespace ort {
namespace {

// Elements and rows of a task. Fixed, so that sums over tasks are formed in one order on any number of threads.
constexpr int64_t kTaskElements = 16384, kTaskRows = 64;

template <typename Body>
Status* in_tasks(const Api* api, KernelContext* context, int64_t count, int64_t step, const Body& body) {
  if (count <= 0) return nullptr;
  Threads threads = {api, context};
  threads.parallel()(size_t((count + step - 1) / step), [&](size_t task) {
    const int64_t first = int64_t(task) * step;
    body(first, count - first < step ? count - first : step);
  });
  return threads.failure;
}

template <size_t kCount>
bool alike(const Tensor (&in)[kCount], size_t first, size_t end) {
  for (size_t i = first; i < end; ++i)
    if (in[i].count != in[0].count) return false;
  return true;
}

struct RowOp {
  static constexpr const char* kLast = nullptr;
  static ElementType input_type(size_t) { return kFloat; }
  const Api* api;
  const TrainKernels* kernels;
  Status* load(const KernelInfo*) { return load_train_kernels(*api, &kernels); }
};

// Y = x sigmoid(2 sqrt(2 / pi) (x + 0.044715 x^3)): GELU by tanh.
struct Gelu : RowOp {
  static constexpr const char* kName = "TrainGelu";
  static constexpr size_t kInputs = 1, kRequiredInputs = 1, kOutputs = 1, kRequiredOutputs = 1;
  static constexpr int kInplace = -1;
  Status* run(KernelContext* context) const {
    Tensor in[1];
    float* y = nullptr;
    FLASHVL_TRY(read_inputs(*api, context, in));
    FLASHVL_TRY(write_output(*api, context, 0, in[0].dims, in[0].rank, &y));
    return in_tasks(api, context, in[0].count, kTaskElements, [&](int64_t i, int64_t n) { kernels->rows.gelu(floats(in[0]) + i, y + i, n); });
  }
};

// dX from X and dY.
struct GeluGrad : RowOp {
  static constexpr const char* kName = "TrainGeluGrad";
  static constexpr size_t kInputs = 2, kRequiredInputs = 2, kOutputs = 1, kRequiredOutputs = 1;
  static constexpr int kInplace = 1;
  Status* run(KernelContext* context) const {
    Tensor in[2];
    float* dx = nullptr;
    FLASHVL_TRY(read_inputs(*api, context, in));
    if (!alike(in, 1, 2)) return api->error("TrainGeluGrad: X and dY differ in shape");
    FLASHVL_TRY(write_output(*api, context, 0, in[0].dims, in[0].rank, &dx));
    return in_tasks(api, context, in[0].count, kTaskElements,
                    [&](int64_t i, int64_t n) { kernels->rows.gelu_grad(floats(in[0]) + i, floats(in[1]) + i, dx + i, n); });
  }
};

// Y = A sigmoid(A) B.
struct Gate : RowOp {
  static constexpr const char* kName = "TrainGate";
  static constexpr size_t kInputs = 2, kRequiredInputs = 2, kOutputs = 1, kRequiredOutputs = 1;
  static constexpr int kInplace = -1;
  Status* run(KernelContext* context) const {
    Tensor in[2];
    float* y = nullptr;
    FLASHVL_TRY(read_inputs(*api, context, in));
    if (!alike(in, 1, 2)) return api->error("TrainGate: A and B differ in shape");
    FLASHVL_TRY(write_output(*api, context, 0, in[0].dims, in[0].rank, &y));
    return in_tasks(api, context, in[0].count, kTaskElements,
                    [&](int64_t i, int64_t n) { kernels->rows.gate(floats(in[0]) + i, floats(in[1]) + i, y + i, n); });
  }
};

// dA, dB from A, B and dY.
struct GateGrad : RowOp {
  static constexpr const char* kName = "TrainGateGrad";
  static constexpr size_t kInputs = 3, kRequiredInputs = 3, kOutputs = 2, kRequiredOutputs = 2;
  static constexpr int kInplace = 2;
  Status* run(KernelContext* context) const {
    Tensor in[3];
    float *da = nullptr, *db = nullptr;
    FLASHVL_TRY(read_inputs(*api, context, in));
    if (!alike(in, 1, 3)) return api->error("TrainGateGrad: A, B and dY differ in shape");
    FLASHVL_TRY(write_output(*api, context, 0, in[0].dims, in[0].rank, &da));
    FLASHVL_TRY(write_output(*api, context, 1, in[0].dims, in[0].rank, &db));
    return in_tasks(api, context, in[0].count, kTaskElements, [&](int64_t i, int64_t n) {
      kernels->rows.gate_grad(floats(in[0]) + i, floats(in[1]) + i, floats(in[2]) + i, da + i, db + i, n);
    });
  }
};

// Attribute epsilon; X, W and, for LayerNorm, B to Y, 1 / deviation per row and, for LayerNorm, the mean per row.
struct Norm : RowOp {
  static constexpr const char* kName = "TrainNorm";
  static constexpr size_t kInputs = 3, kRequiredInputs = 2, kOutputs = 3, kRequiredOutputs = 2;
  static constexpr int kInplace = -1;
  float epsilon;
  Status* load(const KernelInfo* info) {
    FLASHVL_TRY(api->attribute_float(info, "epsilon", &epsilon));
    return RowOp::load(info);
  }
  Status* run(KernelContext* context) const {
    Tensor in[3];
    FLASHVL_TRY(read_inputs(*api, context, in));
    const int64_t width = width_of(in[0]), rows = rows_of(in[0]);
    if (in[0].rank < 1 || in[1].count != width || (in[2].data && in[2].count != width)) return api->error("TrainNorm: W and B must fit the rows of X");
    float *y = nullptr, *rstd = nullptr, *mean = nullptr;
    int64_t dims[kMaxRank];
    for (size_t i = 0; i < in[0].rank; ++i) dims[i] = i + 1 < in[0].rank ? in[0].dims[i] : 1;
    FLASHVL_TRY(write_output(*api, context, 0, in[0].dims, in[0].rank, &y));
    FLASHVL_TRY(write_output(*api, context, 1, dims, in[0].rank, &rstd));
    size_t outputs = 0;
    FLASHVL_TRY(api->output_count(context, &outputs));
    if ((outputs > 2) != (in[2].data != nullptr)) return api->error("TrainNorm: a mean and B come together");
    if (outputs > 2) FLASHVL_TRY(write_output(*api, context, 2, dims, in[0].rank, &mean));
    return in_tasks(api, context, rows, kTaskRows, [&](int64_t r, int64_t n) {
      kernels->rows.norm(floats(in[0]) + r * width, floats(in[1]), floats(in[2]), epsilon, n, width, y + r * width, mean ? mean + r : nullptr, rstd + r);
    });
  }
};

// dX, dW and, where there is a mean, dB from X, W, dY, 1 / deviation and the mean.
struct NormGrad : RowOp {
  static constexpr const char* kName = "TrainNormGrad";
  static constexpr size_t kInputs = 5, kRequiredInputs = 4, kOutputs = 3, kRequiredOutputs = 2;
  static constexpr int kInplace = 2;
  Status* run(KernelContext* context) const {
    Tensor in[5];
    FLASHVL_TRY(read_inputs(*api, context, in));
    const int64_t width = width_of(in[0]), rows = rows_of(in[0]);
    const float* mean = floats(in[4]);
    if (in[0].rank < 1 || in[1].count != width || in[2].count != in[0].count || in[3].count != rows || (mean && in[4].count != rows))
      return api->error("TrainNormGrad: W, dY and the statistics must fit X");
    float *dx = nullptr, *dw = nullptr, *db = nullptr;
    FLASHVL_TRY(write_output(*api, context, 0, in[0].dims, in[0].rank, &dx));
    FLASHVL_TRY(write_output(*api, context, 1, &width, 1, &dw));
    if (mean) FLASHVL_TRY(write_output(*api, context, 2, &width, 1, &db));
    const int64_t tasks = (rows + kTaskRows - 1) / kTaskRows, bytes = tasks * width * 4;
    Scratch parts(size_t(bytes * 2 + 64));
    if (!parts.data()) return api->error("TrainNormGrad: out of memory");
    memset(parts.data(), 0, size_t(bytes * 2));
    float *part_w = reinterpret_cast<float*>(parts.data()), *part_b = part_w + tasks * width;
    FLASHVL_TRY(in_tasks(api, context, rows, kTaskRows, [&](int64_t r, int64_t n) {
      const int64_t at = r * width, part = r / kTaskRows * width;
      kernels->rows.norm_grad(floats(in[0]) + at, floats(in[1]), mean ? mean + r : nullptr, floats(in[3]) + r, floats(in[2]) + at, n, width, dx + at,
                              part_w + part, mean ? part_b + part : nullptr);
    }));
    for (int64_t i = 0; i < width; ++i) dw[i] = 0;
    for (int64_t i = 0; db && i < width; ++i) db[i] = 0;
    for (int64_t t = 0; t < tasks; ++t)
      for (int64_t i = 0; i < width; ++i) {
        dw[i] += part_w[t * width + i];
        if (db) db[i] += part_b[t * width + i];
      }
    return nullptr;
  }
};

// log softmax(logits)[target] of each row and the logarithm of its sum; targets int64.
struct LogProb : RowOp {
  static constexpr const char* kName = "TrainLogProb";
  static constexpr size_t kInputs = 2, kRequiredInputs = 2, kOutputs = 2, kRequiredOutputs = 2;
  static constexpr int kInplace = -1;
  static ElementType input_type(size_t i) { return i == 1 ? kInt64 : kFloat; }
  Status* run(KernelContext* context) const {
    Tensor in[2];
    FLASHVL_TRY(read_inputs(*api, context, in));
    const int64_t width = width_of(in[0]), rows = rows_of(in[0]);
    const auto* targets = static_cast<const int64_t*>(in[1].data);
    if (in[0].rank != 2 || in[1].count != rows) return api->error("TrainLogProb: expected logits [rows, classes] and targets [rows]");
    for (int64_t r = 0; r < rows; ++r)
      if (targets[r] < 0 || targets[r] >= width) return api->error("TrainLogProb: a target is no class");
    float *out = nullptr, *lse = nullptr;
    FLASHVL_TRY(write_output(*api, context, 0, &rows, 1, &out));
    FLASHVL_TRY(write_output(*api, context, 1, &rows, 1, &lse));
    return in_tasks(api, context, rows, kTaskRows,
                    [&](int64_t r, int64_t n) { kernels->rows.log_prob(floats(in[0]) + r * width, targets + r, n, width, out + r, lse + r); });
  }
};

// d logits from logits, targets, the logarithm of the sums and d out.
struct LogProbGrad : RowOp {
  static constexpr const char* kName = "TrainLogProbGrad";
  static constexpr size_t kInputs = 4, kRequiredInputs = 4, kOutputs = 1, kRequiredOutputs = 1;
  static constexpr int kInplace = 0;
  static ElementType input_type(size_t i) { return i == 1 ? kInt64 : kFloat; }
  Status* run(KernelContext* context) const {
    Tensor in[4];
    FLASHVL_TRY(read_inputs(*api, context, in));
    const int64_t width = width_of(in[0]), rows = rows_of(in[0]);
    const auto* targets = static_cast<const int64_t*>(in[1].data);
    if (in[0].rank != 2 || in[1].count != rows || in[2].count != rows || in[3].count != rows) return api->error("TrainLogProbGrad: the inputs do not fit");
    float* d = nullptr;
    FLASHVL_TRY(write_output(*api, context, 0, in[0].dims, 2, &d));
    return in_tasks(api, context, rows, kTaskRows, [&](int64_t r, int64_t n) {
      kernels->rows.log_prob_grad(floats(in[0]) + r * width, targets + r, floats(in[2]) + r, floats(in[3]) + r, n, width, d + r * width);
    });
  }
};

}  // namespace

const CustomOp* const* train_row_ops(size_t* count) {
  static const CustomOp gelu = describe<Gelu>(), gelu_grad = describe<GeluGrad>(), gate = describe<Gate>(), gate_grad = describe<GateGrad>(),
                        norm = describe<Norm>(), norm_grad = describe<NormGrad>(), log_prob = describe<LogProb>(),
                        log_prob_grad = describe<LogProbGrad>();
  static const CustomOp* const ops[] = {&gelu, &gelu_grad, &gate, &gate_grad, &norm, &norm_grad, &log_prob, &log_prob_grad};
  *count = sizeof ops / sizeof ops[0];
  return ops;
}

}  // namespace ort
}  // namespace flashvl
