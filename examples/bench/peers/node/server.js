// The same login for Node.js: JSON in, md5 of the password, POST, JSON out. `node server.js http://127.0.0.1:8080` prints its
// own address.
"use strict";
const { createHash } = require("node:crypto");
const fastify = require("fastify")();
const { Pool } = require("undici");

const upstream = new Pool(process.argv[2], { connections: 64, pipelining: 1 });

fastify.post("/login", async (request, reply) => {
  const { username, password } = request.body;
  const digest = createHash("md5").update(password).digest("hex");
  const answer = await upstream.request({
    method: "POST",
    path: "/api/login",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ "user-name": username, "user-password": digest }),
  });
  const { code, msg, result } = await answer.body.json();
  const same = result && result.loginName.toLowerCase() === username.toLowerCase();
  const accepted = code === 200 && same;
  reply.code(accepted ? 200 : 403);
  return {
    verdict: accepted ? "accept" : "reject",
    username,
    error_code: code,
    error_message: msg,
    extension: result,
  };
});

fastify.listen({ host: "127.0.0.1", port: 0 }).then(() => {
  const { address, port } = fastify.server.address();
  console.log(`${address}:${port}`);
});
