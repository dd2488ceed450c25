// For @hey-api/openapi-ts; Node finds modules by their whole names.
export default {
  input: "openapi.yaml",
  output: { path: "sdk", module: { extension: ".js" } },
  plugins: ["@hey-api/client-fetch"],
};
