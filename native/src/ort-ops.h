// The ops that the library registers.
#pragma once
#include "ort-abi.h"

namespace flashvl {
namespace ort {

const CustomOp* blockwise_op();
const CustomOp* attention_op();
const CustomOp* cached_attention_op();
const CustomOp* half_cached_attention_op();
const CustomOp* block_maxima_op();

// The ops of training.
const CustomOp* train_product_op();
const CustomOp* const* train_attention_ops(size_t* count);
const CustomOp* const* train_row_ops(size_t* count);

// The function table of the ONNX Runtime that registered the ops; shape inference is not handed one.
extern const Api* registered_api;

}  // namespace ort
}  // namespace flashvl
