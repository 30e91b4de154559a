// The manifests for Kubernetes: current, valid by their published schemas, strict, and consistent with the server's own settings.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Deployment } from "kubernetes-models/apps/v1/Deployment";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { checkManifest, type Manifest } from "../../deploy/check-manifest.ts";
import { defaults } from "../../deploy/choices.ts";
import { manifestsOf, renderManifests } from "../../deploy/render-manifests.ts";
import { buildProgram } from "../../src/cli/program.ts";
import { readSettings, settingNames } from "../../src/serve/index.ts";

const FOLDER = join(import.meta.dirname, "../../deploy");
const all = Object.values(manifestsOf(defaults)).flatMap((manifests) => Object.entries(manifests));

/** A manifest with one place changed; `undefined` takes the place away. */
function changed(manifest: Manifest, path: string, value: unknown): Manifest {
  const copy = structuredClone(manifest.toJSON()) as Record<string, unknown>;
  const steps = path.split(".");
  const last = steps.pop()!;
  let at = copy;
  for (const step of steps) at = at[step] as Record<string, unknown>;
  expect(at, path).toBeTypeOf("object");
  if (value === undefined) delete at[last];
  else at[last] = value;
  return Object.assign(Object.create(Object.getPrototypeOf(manifest)), copy);
}

/** Gives the value at `path` another name. */
function renamed(manifest: Manifest, path: string, name: string): Manifest {
  const steps = path.split(".");
  const value = steps.reduce((at, step) => (at as Record<string, unknown>)[step], manifest.toJSON());
  expect(value, path).toBeDefined();
  return changed(changed(manifest, path, undefined), [...steps.slice(0, -1), name].join("."), value);
}

describe("the files in deploy", () => {
  test("are what the code writes, and no others", async () => {
    const expected = renderManifests(defaults);
    for (const [path, text] of expected) {
      const hint = `${path} is not what the code writes; run \`npm run deploy:manifests\`.`;
      expect(await readFile(join(FOLDER, path), "utf8").catch(() => "absent"), hint).toBe(text);
    }
    for (const folder of ["base", "keda", "inference-gateway"]) {
      const found = (await readdir(join(FOLDER, folder))).map((file) => `${folder}/${file}`);
      expect(found.sort()).toEqual([...expected.keys()].filter((path) => path.startsWith(`${folder}/`)).sort());
    }
  });

  test("say the same as the objects they were written from", () => {
    const files = renderManifests(defaults);
    for (const [folder, manifests] of Object.entries(manifestsOf(defaults)))
      for (const [file, manifest] of Object.entries(manifests))
        expect(parse(files.get(`${folder}/${file}.yaml`)!)).toEqual(JSON.parse(JSON.stringify(manifest)));
  });
});

describe("the published schemas", () => {
  test.each(all)("accept %s", (_, manifest) => checkManifest(manifest));

  const manifests = Object.fromEntries(all);
  const container = "spec.template.spec.containers.0";
  test.each([
    ["deployment", "spec.replicas", "2"],
    ["deployment", `${container}.ports.0.containerPort`, "http"],
    ["deployment", `${container}.readinessProbe.periodSeconds`, "often"],
    ["deployment", `${container}.securityContext.readOnlyRootFilesystem`, "yes"],
    ["deployment", "spec.template.spec.terminationGracePeriodSeconds", "320s"],
    ["model-volume", "spec.accessModes", "ReadWriteMany"],
    ["service", "spec.ports", { port: 80 }],
    ["disruption-budget", "spec.maxUnavailable", true],
    ["network-policy", "spec.policyTypes", "Ingress"],
    ["scaled-object", "spec.maxReplicaCount", "8"],
    ["inference-pool", "spec.targetPorts.0.number", "8000"],
    ["inference-pool", "spec.targetPorts.0.number", 70_000],
    ["inference-pool", "spec.endpointPickerRef.failureMode", "Open"],
    ["route", "spec.rules.0.backendRefs.0.name", 1],
  ])("refuse a wrong type or value in %s: %s = %j", (file, path, value) => {
    expect(() => checkManifest(changed(manifests[file]!, path, value))).toThrow();
  });

  test.each([
    ["deployment", "spec.selector"],
    ["deployment", "spec.template"],
    ["deployment", `${container}.name`],
    ["deployment", `${container}.ports.0.containerPort`],
    ["service", "spec.ports.0.port"],
    ["network-policy", "spec.podSelector"],
    ["network-policy", "spec.egress.1.to.0.ipBlock.cidr"],
    ["scaled-object", "spec.scaleTargetRef"],
    ["scaled-object", "spec.triggers.0.type"],
    ["inference-pool", "spec.selector"],
    ["inference-pool", "spec.targetPorts"],
    ["inference-pool", "spec.endpointPickerRef.port"],
    ["route", "spec.rules.0.backendRefs.0.name"],
  ])("refuse %s without %s", (file, path) => {
    expect(() => checkManifest(changed(manifests[file]!, path, undefined))).toThrow();
  });

  test.each([
    ["deployment", `${container}.readinessProbe`, "readinesProbe"],
    ["deployment", `${container}.readinessProbe.periodSeconds`, "periodSecond"],
    ["deployment", `${container}.securityContext.readOnlyRootFilesystem`, "readOnlyRootFileSystem"],
    ["deployment", "spec.template.spec.terminationGracePeriodSeconds", "terminationGracePeriod"],
    ["deployment", `${container}.lifecycle.preStop`, "prestop"],
    ["model-volume", "spec.accessModes", "accessMode"],
    ["pods-service", "spec.clusterIP", "clusterIp"],
    ["disruption-budget", "spec.maxUnavailable", "maxUnavailible"],
    ["network-policy", "spec.egress", "egres"],
    ["scaled-object", "spec.maxReplicaCount", "maxReplicas"],
    ["inference-pool", "spec.endpointPickerRef", "endpointPicker"],
    ["route", "spec.rules.0.timeouts.request", "requests"],
  ])("refuse %s with a misspelt %s: %s", (file, path, name) => {
    const wrong = renamed(manifests[file]!, path, name);
    expect(() => checkManifest(wrong)).toThrow(name);
  });

  test("would accept a misspelt field without that check", () => {
    const wrong = renamed(manifests.deployment!, `${container}.readinessProbe`, "readinesProbe");
    expect(() => wrong.validate()).not.toThrow();
  });
});

describe("the server in its pod", () => {
  const { template } = (manifestsOf(defaults).base!.deployment as Deployment).spec!;
  const pod = template.spec!;
  const [server] = pod.containers;
  const flags = Object.fromEntries(
    server!
      .args!.filter((arg) => arg.includes("="))
      .map((arg) => arg.replace(/^--/, "").split("=") as [string, string]),
  );

  test.each([...pod.initContainers!, ...pod.containers])(
    "$name is given a command line that parses",
    async ({ args, env }) => {
      let parsed: Record<string, unknown> | undefined;
      const program = buildProgram({ writeErr: () => {} });
      const command = program.commands.find((each) => each.name() === args![0])!;
      command.action((model, options) => {
        parsed = { model, ...options };
      });
      await program.parseAsync(args!, { from: "user" });
      expect(parsed).toMatchObject({ model: defaults.model });
      if (args![0] !== "serve") return;
      expect(parsed).toMatchObject({ threads: defaults.resources.cores, offline: true });
      const keys = new Set(settingNames().map(({ key }) => key as string));
      const flags = Object.fromEntries(Object.entries(parsed!).filter(([key]) => keys.has(key)));
      const expected = {
        host: "0.0.0.0",
        port: 8000,
        parallel: 4,
        drainTimeout: 300,
        publicMetrics: true,
        modelName: ["flashvl"],
      };
      expect(readSettings({ flags })).toMatchObject(expected);
      for (const { name } of env!.filter(({ name }) => name.startsWith("FLASHVL_") && name !== "FLASHVL_CACHE"))
        expect(settingNames().map(({ env }) => env)).toContain(name);
    },
  );

  test("is not told of services, whose variables are named like its settings", () => {
    expect(settingNames().map(({ env }) => env)).toContain(`${defaults.name.toUpperCase()}_PORT`);
    expect(pod.enableServiceLinks).toBe(false);
  });

  test("runs as the image does: the same user, folders and command", async () => {
    const file = await readFile(join(FOLDER, "Containerfile"), "utf8");
    const { runAsUser, runAsGroup } = pod.securityContext!;
    expect(/^USER (.*)$/m.exec(file)?.[1]).toBe(`${runAsUser}:${runAsGroup}`);
    expect(file).toContain(`install -d -o ${runAsUser} -g ${runAsGroup} /models`);
    for (const { name, value } of server!.env!.filter(({ value }) => value?.startsWith("/models")))
      expect(file).toContain(`${name}=${value}`);
    expect(file).toMatch(/^ENTRYPOINT \["flashvl"\]\nCMD \["serve", "--host", "0\.0\.0\.0"\]$/m);
    expect(server!.args![0]).toBe("serve");
  });

  test("is given the time of its longest answer, after the time in which proxies hear of its end", () => {
    const settings = readSettings({
      flags: { drainTimeout: flags["drain-timeout"], requestTimeout: flags["request-timeout"] },
    });
    const notice = Number(server!.lifecycle!.preStop!.exec!.command![1]);
    expect(settings.drainTimeout).toBeGreaterThanOrEqual(settings.requestTimeout);
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(notice + settings.drainTimeout);
  });

  test("has no rights, writes to its volumes only, and is bounded in memory", () => {
    expect(pod.automountServiceAccountToken).toBe(false);
    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } });
    for (const container of [...pod.initContainers!, ...pod.containers]) {
      expect(container.securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] },
      });
      expect(container.resources!.limits).toHaveProperty("memory");
      expect(container.volumeMounts!.map(({ mountPath }) => mountPath)).toEqual(["/models", "/tmp"]);
    }
  });
});
