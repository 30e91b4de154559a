/** @file The graph room's door: build typed tensor graphs, differentiate them, rewrite them, write them as ONNX. */

export { gradients } from "./backward.ts";
export { bytesPerElement, type DType, onnxCode } from "./dtype.ts";
export { ExternalData, type WeightPlace } from "./external-data.ts";
export { apply, apply1, defineOp, direct, float } from "./op.ts";
export { gelu, geluOp, geluTanh, geluTanhOp, silu, siluOp, swiGlu, swiGluOp } from "./ops/activation.ts";
export {
  type AttentionMask,
  type AttentionShape,
  attention,
  attentionOp,
  type CachedAttention,
  groupQueryAttention,
  groupQueryAttentionOp,
  multiHeadAttention,
  multiHeadAttentionOp,
  rotaryEmbedding,
} from "./ops/attention.ts";
export {
  add,
  addOp,
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
  mulOp,
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
export { logProbOf, logProbOp, oneHot } from "./ops/loss.ts";
export { concat, expandLike, pad, reshape, reshapeOp, slice, transpose } from "./ops/movement.ts";
export {
  blockMaxima,
  blockwiseMatMul,
  blockwiseOp,
  type CachePlaces,
  cachedAttention,
  type Fused,
  PANEL_COLUMNS,
  unmaskedAttention,
  withFused,
} from "./ops/native.ts";
export { addRmsNorm, layerNorm, layerNormOp, rmsNorm, rmsNormOp } from "./ops/normalization.ts";
export { type BlockwiseShape, int8Linear, matMulNBits } from "./ops/quantized.ts";
export { argMax, logSoftmax, reduceMax, reduceMean, reduceSum, softmax } from "./ops/reduction.ts";
export {
  type ConstantData,
  constant,
  constantOp,
  input,
  inputOp,
  isInput,
  isWeight,
  scalar,
  sourceName,
  weight,
  weightOp,
} from "./ops/source.ts";
export { trainAttention, trainGate, trainGelu, trainLinear, trainLogProb, trainNorm } from "./ops/training.ts";
export { applyPasses, type Pass, type Replace, type Rewritten, rewrite } from "./rewrite.ts";
export { type SerializedGraph, serialize } from "./serialize.ts";
export { broadcastShapes, type Dim, elementCount, type Shape, sameShape, showShape } from "./shape.ts";
export {
  type Attrs,
  type GradientCall,
  type GraphOutputs,
  inPlaceOf,
  isOp,
  isResultOf,
  makeNode,
  type Node,
  type Op,
  scoped,
  type TensorType,
  type UseOf,
  type Value,
} from "./value.ts";
export { topologicalOrder, weightsOf } from "./walk.ts";
