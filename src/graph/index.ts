/** @file The graph room's door: build typed tensor graphs, differentiate them, rewrite them, write them as ONNX. */

export { gradients } from "./backward.ts";
export { bytesPerElement, type DType, onnxCode } from "./dtype.ts";
export { ExternalData, type WeightPlace } from "./external-data.ts";
export { apply, apply1, defineOp, direct, float, type GradientCall, type Op } from "./op.ts";
export { gelu, geluTanh, silu, swiGlu } from "./ops/activation.ts";
export {
  type AttentionMask,
  type AttentionShape,
  attention,
  attentionOp,
  type CachedAttention,
  groupQueryAttention,
  multiHeadAttention,
  rotaryEmbedding,
} from "./ops/attention.ts";
export {
  add,
  cast,
  clip,
  div,
  equal,
  erf,
  exp,
  greater,
  less,
  log,
  maximum,
  minimum,
  mul,
  neg,
  not,
  sigmoid,
  sqrt,
  stopGradient,
  sub,
  tanh,
  where,
} from "./ops/elementwise.ts";
export { gather, replaceRows, scatterAddRows } from "./ops/index-select.ts";
export { linear, linearOp, matmul, splitMatmul } from "./ops/linalg.ts";
export { logProbOf, oneHot } from "./ops/loss.ts";
export { concat, expandLike, pad, reshape, slice, transpose } from "./ops/movement.ts";
export {
  blockMaxima,
  blockwiseMatMul,
  type CachePlaces,
  cachedAttention,
  type Fused,
  towerAttention,
  withFused,
} from "./ops/native.ts";
export { addRmsNorm, layerNorm, rmsNorm } from "./ops/normalization.ts";
export { type BlockwiseShape, int8Linear, matMulNBits } from "./ops/quantized.ts";
export { argMax, logSoftmax, reduceMax, reduceMean, reduceSum, softmax } from "./ops/reduction.ts";
export { type ConstantData, constant, input, isInput, isWeight, scalar, sourceName, weight } from "./ops/source.ts";
export { trainAttention, trainGate, trainGelu, trainLinear, trainLogProb, trainNorm } from "./ops/training.ts";
export { type HalfOptions, inHalf } from "./passes/half.ts";
export { recompute } from "./passes/recompute.ts";
export { type Replace, rewrite } from "./rewrite.ts";
export { type SerializedGraph, serialize } from "./serialize.ts";
export { broadcastShapes, type Dim, elementCount, type Shape, sameShape, showShape } from "./shape.ts";
export { type Attrs, type Node, scoped, type TensorType, type Value } from "./value.ts";
export { sources, topologicalOrder } from "./walk.ts";
