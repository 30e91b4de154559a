// The part of ONNX Runtime's C interface that the ops use, declared from its published binary layout: function tables are
// append-only, so a slot keeps its number in every later version.
#pragma once
#include <stddef.h>
#include <stdint.h>

namespace flashvl {
namespace ort {

// The interface version asked for: ONNX Runtime 1.18 and later have it.
constexpr uint32_t kApiVersion = 18;

struct Status;
struct Value;
struct KernelInfo;
struct KernelContext;
struct ShapeContext;
struct TensorInfo;
struct CustomOpDomain;
struct SessionOptions;
struct OpAttribute;

enum ElementType : int { kUndefined = 0, kFloat = 1, kUint8 = 2, kInt32 = 6, kInt64 = 7, kFloat16 = 10 };
enum Characteristic : int { kRequired = 0, kOptional = 1 };
enum ErrorCode : int { kFail = 1, kInvalidArgument = 2 };
enum AttributeKind : int { kAttributeInt = 1, kAttributeFloat = 3 };

// The function table, by slot.
struct Api {
  const void* slots[275];

  template <typename Result, typename... Args>
  Result call(int slot, Args... args) const {
    return reinterpret_cast<Result (*)(Args...)>(const_cast<void*>(slots[slot]))(args...);
  }
  Status* error(const char* message) const { return call<Status*, ErrorCode, const char*>(0, kInvalidArgument, message); }
  Status* create_domain(const char* name, CustomOpDomain** out) const { return call<Status*>(26, name, out); }
  Status* add_op(CustomOpDomain* domain, const struct CustomOp* op) const { return call<Status*>(27, domain, op); }
  Status* add_domain(SessionOptions* options, CustomOpDomain* domain) const { return call<Status*>(28, options, domain); }
  Status* tensor_data(Value* value, void** out) const { return call<Status*>(51, value, out); }
  Status* new_info(TensorInfo** out) const { return call<Status*>(57, out); }
  Status* set_element_type(TensorInfo* info, ElementType type) const { return call<Status*>(58, info, type); }
  Status* set_dimensions(TensorInfo* info, const int64_t* dims, size_t count) const { return call<Status*>(59, info, dims, count); }
  Status* element_type(const TensorInfo* info, ElementType* out) const { return call<Status*>(60, info, out); }
  Status* dimension_count(const TensorInfo* info, size_t* out) const { return call<Status*>(61, info, out); }
  Status* dimensions(const TensorInfo* info, int64_t* out, size_t count) const { return call<Status*>(62, info, out, count); }
  Status* symbolic_dimensions(const TensorInfo* info, const char** out, size_t count) const { return call<Status*>(63, info, out, count); }
  Status* info_of(const Value* value, TensorInfo** out) const { return call<Status*>(65, value, out); }
  Status* attribute_float(const KernelInfo* info, const char* name, float* out) const { return call<Status*>(85, info, name, out); }
  Status* attribute_int(const KernelInfo* info, const char* name, int64_t* out) const { return call<Status*>(86, info, name, out); }
  Status* input_count(const KernelContext* context, size_t* out) const { return call<Status*>(88, context, out); }
  Status* output_count(const KernelContext* context, size_t* out) const { return call<Status*>(89, context, out); }
  Status* input(const KernelContext* context, size_t index, const Value** out) const { return call<Status*>(90, context, index, out); }
  Status* output(KernelContext* context, size_t index, const int64_t* dims, size_t count, Value** out) const {
    return call<Status*>(91, context, index, dims, count, out);
  }
  void release(Status* status) const { call<void>(93, status); }
  void release(TensorInfo* info) const { call<void>(99, info); }
  Status* shape_of_input(const ShapeContext* context, size_t index, TensorInfo** out) const { return call<Status*>(268, context, index, out); }
  Status* shape_attribute(const ShapeContext* context, const char* name, const OpAttribute** out) const { return call<Status*>(269, context, name, out); }
  Status* set_output_shape(const ShapeContext* context, size_t index, const TensorInfo* info) const { return call<Status*>(270, context, index, info); }
  Status* set_symbolic_dimensions(TensorInfo* info, const char** names, size_t count) const { return call<Status*>(271, info, names, count); }
  Status* read_attribute(const OpAttribute* attribute, AttributeKind kind, void* data, size_t length, size_t* out) const {
    return call<Status*>(272, attribute, kind, data, length, out);
  }
  Status* parallel_for(const KernelContext* context, void (*task)(void*, size_t), size_t count, size_t batches, void* argument) const {
    return call<Status*>(274, context, task, count, batches, argument);
  }
};

struct ApiBase {
  const Api* (*get)(uint32_t version);
  const char* (*version)();
};

// What an op tells ONNX Runtime about itself.
struct CustomOp {
  uint32_t version;
  void* (*create)(const CustomOp*, const Api*, const KernelInfo*);
  const char* (*name)(const CustomOp*);
  const char* (*provider)(const CustomOp*);
  ElementType (*input_type)(const CustomOp*, size_t);
  size_t (*input_count)(const CustomOp*);
  ElementType (*output_type)(const CustomOp*, size_t);
  size_t (*output_count)(const CustomOp*);
  void (*compute)(void*, KernelContext*);
  void (*destroy)(void*);
  Characteristic (*input_characteristic)(const CustomOp*, size_t);
  Characteristic (*output_characteristic)(const CustomOp*, size_t);
  int (*input_memory)(const CustomOp*, size_t);
  int (*variadic_input_minimum)(const CustomOp*);
  int (*variadic_input_homogeneous)(const CustomOp*);
  int (*variadic_output_minimum)(const CustomOp*);
  int (*variadic_output_homogeneous)(const CustomOp*);
  Status* (*create_or_fail)(const CustomOp*, const Api*, const KernelInfo*, void**);
  Status* (*compute_or_fail)(void*, KernelContext*);
  Status* (*infer_shape)(const CustomOp*, ShapeContext*);
  int (*start_version)(const CustomOp*);
  int (*end_version)(const CustomOp*);
  size_t (*may_inplace)(int**, int**);
  void (*release_may_inplace)(int*, int*);
  size_t (*alias_map)(int**, int**);
  void (*release_alias_map)(int*, int*);
};

}  // namespace ort
}  // namespace flashvl
