/** @file A manifest is held to its published schema, strictly: what the schema does not know is refused too. */

/** An object as kubernetes-models makes them. */
export interface Manifest {
  toJSON(): unknown;
  /** Throws an Error that names every fault. */
  validate(): void;
}

/** Keys of an object that were asked for, by the object. */
type Asked = Map<object, Set<string>>;

/**
 * Checks one manifest. The published schemas allow unknown keys, and an API server drops them without a word: a misspelt
 * `readinesProbe` would be no probe at all. A validator never asks for a key that its schema does not have, so here it
 * is given a view of the manifest that notes what it asks for.
 *
 * @throws Error that names what is wrong and where
 * @example checkManifest(new Service({ metadata: { name: "a" }, spec: { ports: [{ port: 80 }] } }));
 */
export function checkManifest(manifest: Manifest): void {
  const asked: Asked = new Map();
  const { kind } = manifest as Manifest & { kind?: string };
  manifest.validate.call(view(manifest, asked));
  const unknown = neverAsked(manifest, asked, kind ?? "");
  if (unknown.length > 0) throw new Error(`The schema does not have: ${unknown.join(", ")}.`);
}

/** The same object, in which every read of a key is noted. */
function view<T extends object>(target: T, asked: Asked): T {
  const keys = asked.get(target) ?? new Set<string>();
  asked.set(target, keys);
  return new Proxy(target, {
    get(object, key, self) {
      if (typeof key === "string") keys.add(key);
      const value = Reflect.get(object, key, self);
      if (typeof value !== "object" || value === null) return value;
      return view(value, asked);
    },
  });
}

function neverAsked(value: unknown, asked: Asked, path: string): string[] {
  if (typeof value !== "object" || value === null) return [];
  const keys = asked.get(value);
  return Object.entries(value).flatMap(([key, inner]) => {
    const at = Array.isArray(value) ? `${path}[${key}]` : `${path}.${key}`;
    return keys?.has(key) ? neverAsked(inner, asked, at) : [at];
  });
}
