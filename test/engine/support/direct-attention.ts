/** @file The decoder's attention in plain loops and double precision, written from the formulas of Qwen2. */
import type { DecoderConfig } from "../../../src/model/index.ts";

type Rows = Float64Array[];

/**
 * Attention of the last of `embeds` ([tokens][hidden]) in each layer, mean over heads: [layers][tokens].
 * @param weight a parameter of the checkpoint by its name, as numbers
 */
export function directAttention(
  c: DecoderConfig,
  weight: (name: string) => ArrayLike<number>,
  embeds: readonly ArrayLike<number>[],
): Float64Array[] {
  let x: Rows = embeds.map((row) => Float64Array.from(row));
  const maps: Float64Array[] = [];
  const linear = (name: string, rows: Rows, bias = false): Rows => {
    const w = weight(`${name}.weight`);
    const b = bias ? weight(`${name}.bias`) : undefined;
    const inner = rows[0]!.length;
    return rows.map((row) =>
      Float64Array.from({ length: w.length / inner }, (_, o) =>
        row.reduce((sum, value, i) => sum + value * w[o * inner + i]!, b?.[o] ?? 0),
      ),
    );
  };
  const norm = (name: string, rows: Rows): Rows => {
    const scale = weight(`${name}.weight`);
    return rows.map((row) => {
      const rms = Math.sqrt(row.reduce((sum, value) => sum + value * value, 0) / row.length + c.normEpsilon);
      return row.map((value, i) => (value / rms) * scale[i]!);
    });
  };
  const rotate = (rows: Rows): Rows =>
    rows.map((row, t) =>
      row.map((value, i) => {
        const [d, half] = [i % c.headDim, c.headDim / 2];
        const angle = t * c.ropeTheta ** (-(d % half) / half);
        const other = d < half ? -row[i + half]! : row[i - half]!;
        return value * Math.cos(angle) + other * Math.sin(angle);
      }),
    );
  for (let layer = 0; layer < c.layers; layer++) {
    const at = `llm.model.layers.${layer}`;
    const h = norm(`${at}.input_layernorm`, x);
    const [q, k] = [
      rotate(linear(`${at}.self_attn.q_proj`, h, true)),
      rotate(linear(`${at}.self_attn.k_proj`, h, true)),
    ];
    const v = linear(`${at}.self_attn.v_proj`, h, true);
    const map = new Float64Array(x.length);
    const mixed: Rows = x.map((_, t) => {
      const out = new Float64Array(c.heads * c.headDim);
      for (let head = 0; head < c.heads; head++) {
        const shared = Math.floor(head / (c.heads / c.kvHeads)) * c.headDim;
        const scores = Float64Array.from({ length: t + 1 }, (_, u) => {
          let dot = 0;
          for (let d = 0; d < c.headDim; d++) dot += q[t]![head * c.headDim + d]! * k[u]![shared + d]!;
          return Math.exp(dot / Math.sqrt(c.headDim));
        });
        const total = scores.reduce((sum, score) => sum + score, 0);
        scores.forEach((score, u) => {
          if (t === x.length - 1) map[u]! += score / total / c.heads;
          for (let d = 0; d < c.headDim; d++) out[head * c.headDim + d]! += (score / total) * v[u]![shared + d]!;
        });
      }
      return out;
    });
    maps.push(map);
    const mid = linear(`${at}.self_attn.o_proj`, mixed).map((row, t) => row.map((value, i) => value + x[t]![i]!));
    const m = norm(`${at}.post_attention_layernorm`, mid);
    const [gate, up] = [linear(`${at}.mlp.gate_proj`, m), linear(`${at}.mlp.up_proj`, m)];
    const gated = gate.map((row, t) => row.map((value, i) => (value / (1 + Math.exp(-value))) * up[t]![i]!));
    x = linear(`${at}.mlp.down_proj`, gated).map((row, t) => row.map((value, i) => value + mid[t]![i]!));
  }
  return maps;
}
