// An SDK app packs its own fields into the password: {client_id:1,password:"123456"}
// What cannot be read is the caller's mistake, not the upstream's: code_util.reject ends the login with
// reject(invalid_input) and nothing is sent. Say what is wrong, never what was typed.
let fields;
try {
  fields = code_util.parseJson5(user.userPassword);
} catch (error) {
  throw code_util.reject("the password does not hold the SDK's fields");
}
if (typeof fields !== "object" || fields === null || fields.password == null || fields.client_id == null) {
  throw code_util.reject("the password does not hold client_id and password");
}
env.password = String(fields.password);
env.clientId = String(fields.client_id);
