import assert from "node:assert/strict";
import { it } from "node:test";
import { checkedIn, typesOf } from "../scripts/api-types.mjs";
import { BASE } from "./browser.mjs";

it("the types the pages are built with are the ones this server describes", async (test) => {
  const answer = await fetch(`${BASE}/api/v1/openapi.json`);
  if (!answer.ok) return test.skip("the stand-in describes no API");
  assert.equal(await typesOf(await answer.json()), checkedIn(), "run `npm run types` and commit src/api/schema.ts");
});
