// What the ops share: a description as a class becomes ONNX Runtime's table of functions.
#pragma once
#include <stdlib.h>

#include "ort-ops.h"
#include "parallel.h"

namespace flashvl {
namespace ort {

// Returns from the function with the status, if there is one.
#define FLASHVL_TRY(expression) \
  if (::flashvl::ort::Status* status_ = (expression)) return status_

// Most dimensions of a tensor that an op takes.
constexpr size_t kMaxRank = 8;

// A tensor that an op reads; `data` is null when an optional input is absent.
struct Tensor {
  const void* data = nullptr;
  ElementType type = kUndefined;
  size_t rank = 0;
  int64_t dims[kMaxRank] = {};
  int64_t count = 0;
};

inline Status* read_shape(const Api& api, const TensorInfo* info, Tensor& out) {
  FLASHVL_TRY(api.element_type(info, &out.type));
  FLASHVL_TRY(api.dimension_count(info, &out.rank));
  if (out.rank > kMaxRank) return api.error("flashvl: a tensor has more than 8 dimensions");
  FLASHVL_TRY(api.dimensions(info, out.dims, out.rank));
  out.count = 1;
  for (size_t i = 0; i < out.rank; ++i) out.count *= out.dims[i];
  return nullptr;
}

inline Status* read_input(const Api& api, const KernelContext* context, size_t index, Tensor& out) {
  size_t inputs = 0;
  FLASHVL_TRY(api.input_count(context, &inputs));
  if (index >= inputs) return nullptr;
  const Value* value = nullptr;
  FLASHVL_TRY(api.input(context, index, &value));
  if (!value) return nullptr;
  TensorInfo* info = nullptr;
  FLASHVL_TRY(api.info_of(value, &info));
  Status* status = read_shape(api, info, out);
  api.release(info);
  if (status) return status;
  void* data = nullptr;
  FLASHVL_TRY(api.tensor_data(const_cast<Value*>(value), &data));
  out.data = data;
  return nullptr;
}

template <typename Number>
Status* write_output(const Api& api, KernelContext* context, size_t index, const int64_t* dims, size_t rank, Number** out) {
  Value* value = nullptr;
  FLASHVL_TRY(api.output(context, index, dims, rank, &value));
  void* data = nullptr;
  FLASHVL_TRY(api.tensor_data(value, &data));
  *out = static_cast<Number*>(data);
  return nullptr;
}

// ONNX Runtime's own intra-op threads, each taking the next index when it is done with one.
struct Threads {
  const Api* api;
  KernelContext* context;
  Status* failure = nullptr;
  Parallel parallel() {
    return {[](void* self, size_t count, void (*task)(void*, size_t), void* argument) {
              Threads& threads = *static_cast<Threads*>(self);
              Status* status = threads.api->parallel_for(threads.context, task, count, 0, argument);
              if (status && threads.failure) threads.api->release(status);
              else if (status) threads.failure = status;
            },
            this};
  }
};

// The output has the shape of input 0 but for its last dimension, which becomes the attribute `last` where that is named.
// Where the graph knows less than needed, the output's shape stays unknown.
inline Status* infer_like_input(const Api& api, ShapeContext* context, const char* last) {
  TensorInfo* shape = nullptr;  // owned by ONNX Runtime
  size_t rank = 0;
  int64_t dims[kMaxRank];
  const char* names[kMaxRank];
  FLASHVL_TRY(api.shape_of_input(context, 0, &shape));
  FLASHVL_TRY(api.dimension_count(shape, &rank));
  if (rank == 0 || rank > kMaxRank) return nullptr;
  FLASHVL_TRY(api.dimensions(shape, dims, rank));
  FLASHVL_TRY(api.symbolic_dimensions(shape, names, rank));
  if (last) {
    const OpAttribute* attribute = nullptr;
    size_t size = 0;
    FLASHVL_TRY(api.shape_attribute(context, last, &attribute));
    FLASHVL_TRY(api.read_attribute(attribute, kAttributeInt, &dims[rank - 1], sizeof(int64_t), &size));
    names[rank - 1] = "";
  }
  for (size_t i = 0; i < rank; ++i)
    if (dims[i] < 0 && (!names[i] || !*names[i])) return nullptr;
  TensorInfo* out = nullptr;
  FLASHVL_TRY(api.new_info(&out));
  Status* status = api.set_element_type(out, kFloat);
  if (!status) status = api.set_dimensions(out, dims, rank);
  if (!status) status = api.set_symbolic_dimensions(out, names, rank);
  if (!status) status = api.set_output_shape(context, 0, out);
  api.release(out);
  return status;
}

// What an op says of its outputs, where it has more than one or writes in place: kOutputs, kRequiredOutputs, kInplace (the input
// whose memory output 0 may take, or -1). Such an op's shapes stand in the graph, so it infers none.
template <typename Op, typename = void>
struct OutputsOf {
  static constexpr size_t kOutputs = 1, kRequiredOutputs = 1;
  static constexpr int kInplace = -1;
  static constexpr bool kInfers = true;
};
template <typename Op>
struct OutputsOf<Op, decltype(void(Op::kOutputs))> {
  static constexpr size_t kOutputs = Op::kOutputs, kRequiredOutputs = Op::kRequiredOutputs;
  static constexpr int kInplace = Op::kInplace;
  static constexpr bool kInfers = false;
};

// Types of the outputs: output_type(i), or float32.
template <typename Op, typename = void>
struct OutputTypes {
  static ElementType of(size_t) { return kFloat; }
};
template <typename Op>
struct OutputTypes<Op, decltype(void(&Op::output_type))> {
  static ElementType of(size_t i) { return Op::output_type(i); }
};

// `Op` has kName, kInputs, kRequiredInputs, kLast (see above, or null), input_type(i), api, Status* load(info) and
// Status* run(context).
template <typename Op>
CustomOp describe() {
  CustomOp op = {};
  op.version = kApiVersion;
  op.name = [](const CustomOp*) { return Op::kName; };
  op.provider = [](const CustomOp*) -> const char* { return nullptr; };
  op.input_type = [](const CustomOp*, size_t i) { return Op::input_type(i); };
  op.input_count = [](const CustomOp*) -> size_t { return Op::kInputs; };
  op.output_type = [](const CustomOp*, size_t i) { return OutputTypes<Op>::of(i); };
  op.output_count = [](const CustomOp*) -> size_t { return OutputsOf<Op>::kOutputs; };
  op.destroy = [](void* kernel) { free(kernel); };
  op.input_characteristic = [](const CustomOp*, size_t i) { return i < Op::kRequiredInputs ? kRequired : kOptional; };
  op.output_characteristic = [](const CustomOp*, size_t i) { return i < OutputsOf<Op>::kRequiredOutputs ? kRequired : kOptional; };
  op.input_memory = [](const CustomOp*, size_t) { return 0; };
  op.variadic_input_minimum = op.variadic_output_minimum = [](const CustomOp*) { return 0; };
  op.variadic_input_homogeneous = op.variadic_output_homogeneous = [](const CustomOp*) { return 0; };
  op.create_or_fail = [](const CustomOp*, const Api* api, const KernelInfo* info, void** out) -> Status* {
    Op* kernel = static_cast<Op*>(calloc(1, sizeof(Op)));
    if (!kernel) return api->error("flashvl: out of memory");
    kernel->api = api;
    if (Status* status = kernel->load(info)) {
      free(kernel);
      return status;
    }
    *out = kernel;
    return nullptr;
  };
  op.compute_or_fail = [](void* kernel, KernelContext* context) { return static_cast<const Op*>(kernel)->run(context); };
  if constexpr (OutputsOf<Op>::kInfers)
    op.infer_shape = [](const CustomOp*, ShapeContext* context) -> Status* {
      // A failure here is no reason to refuse a graph that can run.
      if (Status* status = infer_like_input(*registered_api, context, Op::kLast)) registered_api->release(status);
      return nullptr;
    };
  op.start_version = [](const CustomOp*) { return 1; };
  op.end_version = [](const CustomOp*) { return 0x7fffffff; };
  op.may_inplace = op.alias_map = [](int**, int**) -> size_t { return 0; };
  if constexpr (OutputsOf<Op>::kInplace >= 0)
    op.may_inplace = [](int** inputs, int** outputs) -> size_t {
      static int input = OutputsOf<Op>::kInplace, output = 0;
      *inputs = &input, *outputs = &output;
      return 1;
    };
  op.release_may_inplace = op.release_alias_map = [](int*, int*) {};
  return op;
}

}  // namespace ort
}  // namespace flashvl
