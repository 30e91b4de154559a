/** @file Builds tiny ONNX models for the runtime's tests. */
import { create, toBinary } from "@bufbuild/protobuf";
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  StringStringEntryProtoSchema,
  TensorProto_DataLocation,
  TensorProtoSchema,
  TypeProtoSchema,
  ValueInfoProtoSchema,
} from "onnx-buf";

const TYPES = { float32: 1, uint8: 2, int32: 6, int64: 7, bool: 9, float16: 10, bfloat16: 16 } as const;
export type TinyType = keyof typeof TYPES;
export interface TinyValue {
  name: string;
  dtype: TinyType;
  dims: (number | string)[];
}
export interface TinyNode {
  op: string;
  inputs: string[];
  outputs: string[];
  domain?: string;
  attributes?: Record<string, number | bigint | string>;
}
/** An initializer: raw bytes inside the model, or the name of a file they are (said to be) in. */
export interface TinyWeight {
  name: string;
  dtype: TinyType;
  dims: number[];
  bytes: Uint8Array | { file: string; length: number };
}

const valueInfo = ({ name, dtype, dims }: TinyValue) =>
  create(ValueInfoProtoSchema, {
    name,
    type: create(TypeProtoSchema, {
      value: {
        case: "tensorType",
        value: {
          elemType: TYPES[dtype],
          shape: {
            dim: dims.map((dim) => ({
              value:
                typeof dim === "string"
                  ? { case: "dimParam" as const, value: dim }
                  : { case: "dimValue" as const, value: BigInt(dim) },
            })),
          },
        },
      },
    }),
  });

/** Integers are written as bigints, floats as numbers, text as strings. */
const attribute = (name: string, value: number | bigint | string) => {
  if (typeof value === "bigint") {
    return create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.INT, i: value });
  }
  if (typeof value === "number") {
    return create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.FLOAT, f: value });
  }
  return create(AttributeProtoSchema, {
    name,
    type: AttributeProto_AttributeType.STRING,
    s: new TextEncoder().encode(value),
  });
};

const weight = ({ name, dtype, dims, bytes }: TinyWeight) => {
  const tensor = create(TensorProtoSchema, { name, dataType: TYPES[dtype], dims: dims.map(BigInt) });
  if (bytes instanceof Uint8Array) {
    tensor.rawData = new Uint8Array(bytes);
  } else {
    tensor.dataLocation = TensorProto_DataLocation.EXTERNAL;
    tensor.externalData = Object.entries({ location: bytes.file, offset: "0", length: String(bytes.length) }).map(
      ([key, value]) => create(StringStringEntryProtoSchema, { key, value }),
    );
  }
  return tensor;
};

/** Serialises a model of opset 21 plus com.microsoft 1. */
export function tinyModel(parts: {
  inputs: TinyValue[];
  outputs: TinyValue[];
  nodes: TinyNode[];
  weights?: TinyWeight[];
}): Uint8Array {
  const nodes = parts.nodes.map((node, index) =>
    create(NodeProtoSchema, {
      name: `node${index}`,
      opType: node.op,
      domain: node.domain ?? "",
      input: node.inputs,
      output: node.outputs,
      attribute: Object.entries(node.attributes ?? {}).map(([name, value]) => attribute(name, value)),
    }),
  );
  const model = create(ModelProtoSchema, {
    irVersion: 10n,
    opsetImport: [
      create(OperatorSetIdProtoSchema, { domain: "", version: 21n }),
      create(OperatorSetIdProtoSchema, { domain: "com.microsoft", version: 1n }),
    ],
    graph: create(GraphProtoSchema, {
      name: "tiny",
      input: parts.inputs.map(valueInfo),
      output: parts.outputs.map(valueInfo),
      node: nodes,
      initializer: (parts.weights ?? []).map(weight),
    }),
  });
  return toBinary(ModelProtoSchema, model);
}

/** `y = x + x` for any type that Add takes, with a free first dimension. */
export const doubling = (dtype: TinyType): Uint8Array =>
  tinyModel({
    inputs: [{ name: "x", dtype, dims: ["rows", 2] }],
    outputs: [{ name: "y", dtype, dims: ["rows", 2] }],
    nodes: [{ op: "Add", inputs: ["x", "x"], outputs: ["y"] }],
  });

/** Many matrix products: long enough to abort, to dispose during, and to see the event loop turn beside. */
export const slowModel = (steps: number): Uint8Array => {
  const size = 512;
  return tinyModel({
    inputs: [{ name: "x", dtype: "float32", dims: [size, size] }],
    outputs: [{ name: "y", dtype: "float32", dims: [size, size] }],
    nodes: Array.from({ length: steps }, (_, i) => ({
      op: "MatMul",
      inputs: [i === 0 ? "x" : `h${i}`, "x"],
      outputs: [i === steps - 1 ? "y" : `h${i + 1}`],
    })),
  });
};
