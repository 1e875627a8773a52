// A gateway wraps the answer of the server behind it: {"code":"0","data":"{\"result\":\"SUCCESS\"}"}
// JSON.parse throws on anything else; the login then ends with unavailable(unexpected_reply), never with accept.
result.data = JSON.parse(result.data);
