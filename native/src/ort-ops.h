// The ops that the library registers.
#pragma once
#include "ort-abi.h"

namespace flashvl {
namespace ort {

const CustomOp* blockwise_op();

}  // namespace ort
}  // namespace flashvl
