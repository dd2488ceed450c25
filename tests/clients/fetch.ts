// The journey of openapi-fetch with the types that openapi-typescript wrote into schema.d.ts beside it.
// `node fetch.js <address> <token>`; tsc reads it with --strict.
import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { paths } from "./schema.js";

const [address, token] = process.argv.slice(2);
const client = createClient<paths>({ baseUrl: address, headers: { Authorization: `Bearer ${token}` } });
const idOrAlias = "by-fetch";
const one = { params: { path: { idOrAlias } } };
const messages = [{ role: "user" as const, content: "Hello" }];

const created = await client.POST("/api/v1/connections", {
  body: { alias: idOrAlias, name: "By fetch", providerId: "echo", settings: { prefix: "> " } },
});
assert.equal(created.response.status, 201);
const etag = created.response.headers.get("ETag") ?? "";

const change = { name: "Changed by fetch", settings: { prefix: "Echo:" } };
const conditional = { params: { path: { idOrAlias }, header: { "If-Match": etag } } };
const changed = await client.PUT("/api/v1/connections/{idOrAlias}", { ...conditional, body: change });
assert.equal(changed.data?.name, "Changed by fetch");
const stale = await client.PUT("/api/v1/connections/{idOrAlias}", { ...conditional, body: change });
assert.equal(stale.error?.code, "stale");

const tested = await client.POST("/api/v1/connections/{idOrAlias}/test", one);
assert.equal(tested.data?.success, true);

const profile = await client.POST("/api/v1/profiles", {
  body: {
    alias: idOrAlias,
    name: "By fetch",
    capability: "Chat",
    model: { providerId: "echo", modelId: "echo-1" },
    connectionId: idOrAlias,
  },
});
assert.equal(profile.response.status, 201);

const refused = await client.DELETE("/api/v1/connections/{idOrAlias}", one);
assert.equal(refused.error?.code, "in_use");

const asked = { params: { path: { profileIdOrAlias: idOrAlias } }, body: { messages } };
const answer = await client.POST("/api/v1/chat/{profileIdOrAlias}/complete", asked);
assert.equal(answer.data?.message.content, "Echo:Hello");
const streamed = await client.POST("/api/v1/chat/{profileIdOrAlias}/stream", { ...asked, parseAs: "text" });
assert.match(String(streamed.data), /data: \[DONE\]\s*$/);
const completed = await client.POST("/v1/chat/completions", { body: { model: idOrAlias, messages } });
assert.ok(completed.data && typeof completed.data === "object");
assert.equal(completed.data.choices[0]?.message.content, "Echo:Hello");
const wrong = await client.POST("/v1/chat/completions", { body: { model: "nothing", messages } });
assert.equal(wrong.error?.error.code, "profile_not_found");

assert.equal((await client.DELETE("/api/v1/profiles/{idOrAlias}", one)).response.status, 204);
assert.equal((await client.DELETE("/api/v1/connections/{idOrAlias}", one)).response.status, 204);
const gone = await client.GET("/api/v1/connections/{idOrAlias}", one);
assert.equal(gone.error?.code, "not_found");
