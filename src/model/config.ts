/** @file The sizes of a model: what every family reads its config.json into, and what graphs, caches and trainers are built from. */
import type { FrameFilling, TokenOrder } from "../processor/core.ts";

/** A vision tower. */
export interface VisionConfig {
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly layers: number;
  readonly heads: number;
  /** Side of the square that the tower takes, in pixels. */
  readonly imageSize: number;
  readonly patchSize: number;
  readonly normEpsilon: number;
}

/** What implicit semantic stitching does, as far as can be told: one of these. */
export type IssForm = "stitch" | "trim" | "bilinear" | "native";

/** How tiles are joined without seams. */
export interface Stitching {
  readonly form: IssForm;
  /** Share of a tile's side that is left out at each edge. 1/8: the published overlap of about 12.5 %. */
  readonly overlap: number;
  /** With form "stitch". */
  readonly frame: FrameFilling;
  /** Patches that become one token: one ("none", as in the published checkpoints), or four by pixel shuffle. */
  readonly pooling: "none" | "shuffle";
}

/** What a caller may choose about a model: what its files leave open, or may say wrongly. */
export interface ModelChoices {
  /** The form of stitching, where the model has it. */
  readonly iss?: IssForm;
  /** The order in which the tokens of a square follow each other, where pixel shuffle makes them. */
  readonly tokenOrder?: TokenOrder;
  /** The system text of conversations that bring none; null for no system turn. */
  readonly systemPrompt?: string | null;
  /** Most tiles of a picture, its thumbnail not counted. */
  readonly maxTiles?: number;
  /** Whether a picture of several tiles is also shown whole, in small. */
  readonly thumbnail?: boolean;
}

/** What stands between tower and decoder. */
export interface ConnectorConfig {
  /** Width of the hidden layers (7168 in FlashVL's adapter). */
  readonly hiddenSize: number;
  /** Order of the tokens that pixel shuffle makes of four patches each. */
  readonly tokenOrder: TokenOrder;
  /** In models with implicit semantic stitching. */
  readonly stitching?: Stitching;
}

/** A decoder of text. */
export interface DecoderConfig {
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly maxPositions: number;
  readonly ropeTheta: number;
  readonly normEpsilon: number;
  readonly tiedHead: boolean;
  /** Biases on queries, keys and values: Qwen2 has them. */
  readonly qkvBias: boolean;
  /** RMSNorm over each head of queries and keys before rotation: Qwen3 has it. */
  readonly qkNorm: boolean;
  /** End tokens that config.json names. */
  readonly eosTokenIds: readonly number[];
}

/** How many tiles a model was trained to see of a picture. */
export interface TileLimits {
  readonly least: number;
  readonly most: number;
  /** Whether the whole picture comes behind its tiles, in small. */
  readonly thumbnail: boolean;
}

/** A model of any family. Plain data: `familyOf` says what its parts are. */
export interface ModelConfig {
  /** Name of the family, such as "flashvl-static". */
  readonly family: string;
  readonly vision: VisionConfig;
  readonly connector: ConnectorConfig;
  readonly decoder: DecoderConfig;
  /** Tokens that one window of a picture, a square of the tower, becomes in the prompt; a picture has as many as its plan says. */
  readonly windowTokens: number;
  /** Where pictures are cut into tiles. */
  readonly tiles?: TileLimits;
  /** Values that config.json does not have, and where they were taken from. */
  readonly derived?: Readonly<Record<string, "tensors" | "published models">>;
  /** What was chosen about the model in place of what its files say. */
  readonly chosen?: ModelChoices;
  /** The system text that config.json or a choice names in place of the family's. */
  readonly systemPrompt?: string | null;
}
