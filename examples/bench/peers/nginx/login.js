// The same login for nginx: JSON in, md5 of the password, POST, JSON out. njs 0.7 knows no destructuring.
import crypto from "crypto";

async function login(r) {
  const asked = JSON.parse(r.requestText);
  const digest = crypto.createHash("md5").update(asked.password).digest("hex");
  const body = JSON.stringify({ "user-name": asked.username, "user-password": digest });
  const answer = await r.subrequest("/foura", { method: "POST", body: body });
  const reply = JSON.parse(answer.responseText);
  const same = reply.result && reply.result.loginName.toLowerCase() === asked.username.toLowerCase();
  const accepted = reply.code === 200 && same;
  r.headersOut["Content-Type"] = "application/json";
  r.return(
    accepted ? 200 : 403,
    JSON.stringify({
      verdict: accepted ? "accept" : "reject",
      username: asked.username,
      error_code: reply.code,
      error_message: reply.msg,
      extension: reply.result,
    }),
  );
}

export default { login };
