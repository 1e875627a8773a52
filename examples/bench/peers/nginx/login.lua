-- The same login for nginx with Lua (OpenResty's module): JSON in, md5 of the password, POST, JSON out.
local cjson = require "cjson.safe"

ngx.req.read_body()
local asked = cjson.decode(ngx.req.get_body_data() or "") or {}
local body = cjson.encode({ ["user-name"] = asked.username, ["user-password"] = ngx.md5(asked.password or "") })
local answer = ngx.location.capture("/foura", { method = ngx.HTTP_POST, body = body })
local reply = cjson.decode(answer.body) or {}
local result = type(reply.result) == "table" and reply.result or {}
local same = type(result.loginName) == "string" and result.loginName:lower() == tostring(asked.username):lower()
local accepted = answer.status == 200 and reply.code == 200 and same
local text = cjson.encode({
  verdict = accepted and "accept" or "reject",
  username = asked.username,
  error_code = reply.code,
  error_message = reply.msg,
  extension = reply.result,
})
ngx.status = accepted and 200 or 403
ngx.header["Content-Type"] = "application/json"
ngx.header["Content-Length"] = #text
ngx.print(text)
