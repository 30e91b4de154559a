import { expect, it } from "vitest";
import { MissingPackageError, needPackage } from "./need-package.ts";

it("a package that is there is no reason to complain", () => {
  needPackage("Drawing", "vitest", "@modelcontextprotocol/server");
});

it("packages that are missing are named together with the one command that adds them", () => {
  const need = () => needPackage("Reading Excel files", "vitest", "no-such-a", "@no/such-b");
  expect(need).toThrow(MissingPackageError);
  expect(need).toThrow(
    'Reading Excel files needs no-such-a and @no/such-b, which are not installed. Add it with: npm install "no-such-a@',
  );
});
