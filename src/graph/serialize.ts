/** @file Writes a graph as an ONNX model: the form in which it leaves TypeScript. */

import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import {
  type AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  ModelProtoSchema,
  type NodeProtoSchema,
  TensorProto_DataLocation,
  type TensorProtoSchema,
  type ValueInfoProtoSchema,
} from "onnx-buf";
import { type DType, onnxCode } from "./dtype.ts";
import type { ExternalData } from "./external-data.ts";
import { type ConstantData, constantOp, isInput, isWeight, sourceName } from "./ops/source.ts";
import { isStatic, type Shape } from "./shape.ts";
import { type Attr, type Attrs, type Emitter, isOp, type Value } from "./value.ts";
import { topologicalOrder } from "./walk.ts";

/** Opset 21 has every op used here; IR version 10 belongs to it. */
const OPSET = 21n;
const IR_VERSION = 10n;
/** Domain of this package's native kernels. */
const OWN_DOMAIN = "flashvl";

type Init<T extends Parameters<typeof create>[0]> = MessageInitShape<T>;

const text = new TextEncoder();

function attribute(name: string, value: Attr): Init<typeof AttributeProtoSchema> {
  if (typeof value === "number" && Number.isInteger(value)) return { name, type: AttributeType.INT, i: BigInt(value) };
  if (typeof value === "number") return { name, type: AttributeType.FLOAT, f: value };
  if (typeof value === "string") return { name, type: AttributeType.STRING, s: text.encode(value) };
  if (Array.isArray(value)) return { name, type: AttributeType.INTS, ints: value.map(BigInt) };
  if (typeof value === "object" && "float" in value)
    return { name, type: AttributeType.FLOAT, f: value.float as number };
  throw new TypeError(
    `Attribute "${name}" has no ONNX form: found ${JSON.stringify(value)}; expected a number, text or whole numbers.`,
  );
}

function tensor(name: string, data: ConstantData, dtype: DType, shape: Shape): Init<typeof TensorProtoSchema> {
  const rawData = new Uint8Array(data.byteLength);
  rawData.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return { name, dataType: onnxCode(dtype), dims: shape.map((d) => BigInt(d)), rawData };
}

function valueInfo(name: string, { dtype, shape }: Value): Init<typeof ValueInfoProtoSchema> {
  const dim = shape.map((d) =>
    typeof d === "number"
      ? { value: { case: "dimValue" as const, value: BigInt(d) } }
      : { value: { case: "dimParam" as const, value: d } },
  );
  return { name, type: { value: { case: "tensorType", value: { elemType: onnxCode(dtype), shape: { dim } } } } };
}

export interface SerializedGraph {
  readonly bytes: Uint8Array;
  readonly inputs: readonly Value[];
  readonly weights: readonly Value[];
}

/**
 * The ONNX model that computes the named `outputs`.
 * @param weights "inputs": weights become graph inputs of their own names, for callers that own and change them; or an
 *   `ExternalData` that gives each weight its place in a file.
 * @throws Error when two inputs share a name or an op has no ONNX form
 * @example serialize({ y: linear(x, w) }, "inputs").bytes
 */
export function serialize(outputs: Readonly<Record<string, Value>>, weights: "inputs" | ExternalData): SerializedGraph {
  const order = topologicalOrder(Object.values(outputs));
  const used = new Set<Value>(Object.values(outputs));
  for (const node of order) for (const v of node.inputs) if (v) used.add(v);

  const names = new Map<Value, string>();
  const taken = new Set<string>(Object.keys(outputs));
  const unique = (wish: string): string => {
    let name = wish;
    for (let i = 1; taken.has(name); i++) name = `${wish}_${i}`;
    taken.add(name);
    return name;
  };
  const nodes: Init<typeof NodeProtoSchema>[] = [];
  const initializers = new Map<string, Init<typeof TensorProtoSchema>>();
  const sources = { inputs: [] as Value[], weights: [] as Value[] };
  const sourceNames = new Map<string, Value>();
  let scope = "";
  /** Results of this package's own ops. ONNX Runtime cannot infer their shapes, so the model states them for memory planning. */
  const stated = new Set<string>();

  const constantNamed = (name: string, data: ConstantData, dtype: DType, shape: Shape): string => {
    if (!initializers.has(name)) initializers.set(name, tensor(name, data, dtype, shape));
    return name;
  };
  const emitter: Emitter = {
    name: (v) => (v ? names.get(v)! : ""),
    outputs(values) {
      const list = values.map((v) => (used.has(v) ? names.get(v)! : ""));
      while (list.at(-1) === "") list.pop();
      return list;
    },
    temp: (hint) => unique(`${scope}/${hint}`),
    int64: (values, asScalar = false) =>
      constantNamed(
        `const/int64/${values.join("x")}${asScalar ? "/scalar" : ""}`,
        BigInt64Array.from(values, BigInt),
        "int64",
        asScalar ? [] : [values.length],
      ),
    float32: (value) => constantNamed(`const/float32/${value}`, Float32Array.of(value), "float32", []),
    float32Pair: (a, b) => constantNamed(`const/float32/${a}x${b}`, Float32Array.of(a, b), "float32", [2]),
    node(type, inputs, nodeOutputs, attrs: Attrs = {}, domain = "") {
      const attributeList = Object.entries(attrs).flatMap(([k, v]) => (v === undefined ? [] : [attribute(k, v)]));
      if (domain === OWN_DOMAIN) for (const name of nodeOutputs) stated.add(name);
      const inputList = [...inputs];
      while (inputList.at(-1) === "") inputList.pop();
      nodes.push({
        name: unique(`${scope}/${type}`),
        opType: type,
        domain,
        input: inputList,
        output: nodeOutputs,
        attribute: attributeList,
      });
    },
  };

  const addSource = (v: Value): void => {
    const name = sourceName(v);
    names.set(v, name);
    const known = sourceNames.get(name);
    if (known && isWeight(known) && isWeight(v)) return;
    if (known) throw new Error(`Two graph inputs are named "${name}"; give each its own name.`);
    sourceNames.set(name, v);
    taken.add(name);
    if (isInput(v)) sources.inputs.push(v);
    else sources.weights.push(v);
    if (isInput(v) || weights === "inputs") return;
    const { offset, bytes } = weights.place(v);
    const externalData = Object.entries({ location: weights.location, offset, length: bytes }).map(([key, value]) => ({
      key,
      value: `${value}`,
    }));
    initializers.set(name, {
      name,
      dataType: onnxCode(v.dtype),
      dims: v.shape.map((d) => BigInt(d)),
      externalData,
      dataLocation: TensorProto_DataLocation.EXTERNAL,
    });
  };

  // Sources first: their names are fixed, and other names avoid them.
  for (const node of order) if (isInput(node.outputs[0]!) || isWeight(node.outputs[0]!)) addSource(node.outputs[0]!);
  for (const [name, v] of Object.entries(outputs)) if (!names.has(v)) names.set(v, name);
  for (const node of order) {
    const [first] = node.outputs;
    if (isInput(first!) || isWeight(first!)) continue;
    scope = `${node.scope}/${node.op.name}`;
    for (const v of node.outputs)
      if (!names.has(v)) names.set(v, unique(v.output === 0 ? `${scope}:0` : `${scope}:${v.output}`));
    if (isOp(node, constantOp)) {
      const { data, dtype, shape } = node.attrs;
      initializers.set(names.get(first!)!, tensor(names.get(first!)!, data, dtype, shape));
      continue;
    }
    if (!node.op.emit)
      throw new Error(
        `${node.op.name}${node.scope && ` at ${node.scope}`} has no ONNX form; run the pass that replaces it before serialize.`,
      );
    node.op.emit(node, emitter);
  }
  // A value with two output names, or an input that is also an output, needs a copy.
  for (const [name, v] of Object.entries(outputs))
    if (names.get(v) !== name) emitter.node("Identity", [names.get(v)!], [name]);

  const graphInputs = weights === "inputs" ? [...sources.inputs, ...sources.weights] : sources.inputs;
  const model = create(ModelProtoSchema, {
    irVersion: IR_VERSION,
    producerName: "flashvl",
    opsetImport: [
      { domain: "", version: OPSET },
      ...[...new Set(nodes.map((n) => n.domain!))].flatMap((domain) => (domain ? [{ domain, version: 1n }] : [])),
    ],
    graph: {
      name: "flashvl",
      node: nodes,
      initializer: [...initializers.values()],
      input: graphInputs.map((v) => valueInfo(sourceName(v), v)),
      output: Object.entries(outputs).map(([name, v]) => valueInfo(name, v)),
      valueInfo: [...names].flatMap(([v, name]) =>
        stated.has(name) && isStatic(v.shape) && !Object.hasOwn(outputs, name) ? [valueInfo(name, v)] : [],
      ),
    },
  });
  return { bytes: toBinary(ModelProtoSchema, model), ...sources };
}
