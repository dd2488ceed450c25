// A certified identity provider, panva's oidc-provider, with one client. Whoever signs in with any
// password is the person of that name. PUT /people/<name> sets their claims, null deactivates them.
// Arguments: port, id and secret of the client, address of Switchboard.
import { createServer } from "node:http";
import Provider from "oidc-provider";

const [port, clientId, secret, ours] = process.argv.slice(2);
const people = new Map();
const place = `${ours}/sign-in/by/strict`;
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [
    {
      client_id: clientId,
      client_secret: secret,
      grant_types: ["authorization_code", "refresh_token"],
      redirect_uris: [`${place}/done/`],
      post_logout_redirect_uris: [`${ours}/sign-in/`],
      backchannel_logout_uri: `${place}/signed-out/`,
      backchannel_logout_session_required: true,
    },
  ],
  claims: {
    openid: ["sub"],
    email: ["email", "email_verified"],
    profile: ["name", "preferred_username"],
    groups: ["groups"],
  },
  scopes: ["openid", "offline_access", "email", "profile", "groups"],
  conformIdTokenClaims: false,
  features: { backchannelLogout: { enabled: true } },
  cookies: { keys: ["only-for-tests"] },
  // its dispatcher refuses this machine
  fetch: (url, { dispatcher, ...options }) => fetch(url, options),
  async findAccount(_context, sub) {
    const claims = people.has(sub) ? people.get(sub) : {};
    return claims ? { accountId: sub, claims: () => ({ sub, ...claims }) } : undefined;
  },
});
provider.on("backchannel.error", (_context, error) => console.error("back-channel:", error));
provider.on("server_error", (_context, error) => console.error("oidc-provider:", error));
const answer = provider.callback();
createServer(async (request, response) => {
  if (request.method !== "PUT") return answer(request, response);
  let body = "";
  for await (const part of request) body += part;
  people.set(request.url.split("/").pop(), JSON.parse(body));
  response.writeHead(204).end();
}).listen(Number(port), "127.0.0.1", () => console.log("ready"));
