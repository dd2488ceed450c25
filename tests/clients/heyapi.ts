// The journey of the client that @hey-api/openapi-ts wrote into the folder sdk beside it.
// `node heyapi.js <address> <token>`; tsc reads it with --strict.
import assert from "node:assert/strict";
import { client } from "./sdk/client.gen.js";
import {
  completeChatByProfile,
  createChatCompletion,
  createConnection,
  createProfile,
  deleteConnection,
  deleteProfile,
  getConnectionByIdOrAlias,
  streamChatByProfile,
  testConnection,
  updateConnection,
} from "./sdk/index.js";

const [baseUrl, token] = process.argv.slice(2);
assert.ok(baseUrl && token);
client.setConfig({ baseUrl, auth: token });
const idOrAlias = "by-heyapi";
const path = { idOrAlias };
const messages = [{ role: "user" as const, content: "Hello" }];

const created = await createConnection({
  body: { alias: idOrAlias, name: "By Hey API", providerId: "echo", settings: { prefix: "> " } },
});
assert.equal(created.response?.status, 201);
const headers = { "If-Match": created.response?.headers.get("ETag") ?? "" };

const body = { name: "Changed by Hey API", settings: { prefix: "Echo:" } };
assert.equal((await updateConnection({ path, headers, body })).data?.name, body.name);
assert.equal((await updateConnection({ path, headers, body })).error?.code, "stale");
assert.equal((await testConnection({ path })).data?.success, true);

const profile = await createProfile({
  body: {
    alias: idOrAlias,
    name: "By Hey API",
    capability: "Chat",
    model: { providerId: "echo", modelId: "echo-1" },
    connectionId: idOrAlias,
  },
});
assert.equal(profile.response?.status, 201);
assert.equal((await deleteConnection({ path })).error?.code, "in_use");

const asked = { path: { profileIdOrAlias: idOrAlias }, body: { messages } };
assert.equal((await completeChatByProfile(asked)).data?.message.content, "Echo:Hello");
const events: unknown[] = [];
const { stream } = await streamChatByProfile(asked);
for await (const event of stream) events.push(event);
assert.equal(events.at(-1), "[DONE]");
const completed = await createChatCompletion({ body: { model: idOrAlias, messages } });
assert.ok(completed.data && typeof completed.data === "object");
assert.equal(completed.data.choices[0]?.message.content, "Echo:Hello");

assert.equal((await deleteProfile({ path })).response?.status, 204);
assert.equal((await deleteConnection({ path })).response?.status, 204);
assert.equal((await getConnectionByIdOrAlias({ path })).error?.code, "not_found");
