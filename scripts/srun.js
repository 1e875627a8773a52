// What the page of a Srun portal sends in place of the password (srun_bx1): env.hmd5, env.info and env.chksum, all made with the
// challenge that the portal gave for this login.
const token = steps.challenge.token;
// The device that is to be online: the user's, if the console said it, else the one that the portal sees.
env.ip = user.clientIp || steps.challenge.ip;

// Four bytes make a word, the first one the lowest.
function words(bytes) {
  const out = [];
  for (let i = 0; i < bytes.length; i++) out[i >> 2] |= bytes[i] << (8 * (i & 3));
  return out;
}

// XXTEA, but for how the terms of a round are joined. A sum of three words is exact, and `| 0` cuts it to 32 bits.
function encrypted(text) {
  const bytes = code_util.encode("utf-8", text);
  const v = [...words(bytes), bytes.length];
  const k = words(code_util.encode("utf-8", token));
  let z = v[v.length - 1];
  let sum = 0;
  for (let rounds = 6 + Math.floor(52 / v.length); rounds > 0; rounds--) {
    sum = (sum + 0x9e3779b9) | 0;
    for (let p = 0; p < v.length; p++) {
      const y = v[(p + 1) % v.length];
      const key = k[(p & 3) ^ ((sum >>> 2) & 3)];
      z = v[p] = (v[p] + ((z >>> 5) ^ (y << 2)) + ((y >>> 3) ^ (z << 4) ^ sum ^ y) + (key ^ z)) | 0;
    }
  }
  return Uint8Array.from({ length: 4 * v.length }, (_, i) => v[i >> 2] >>> (8 * (i & 3)));
}

// Base64 with the portal's own alphabet.
const USUAL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
const OWN = "LVoJPiCN2R8G90yg+hmFHuacZ1OWMnrsSTXkYpUq/3dlbfKwv6xztjI7DeBE45QA=";
const respelled = (base64) => Array.from(base64, (letter) => OWN[USUAL.indexOf(letter)]).join("");

const acid = settings.acid;
const secret = { username: user.username, password: user.userPassword, ip: env.ip, acid, enc_ver: "srun_bx1" };
env.info = "{SRBX1}" + respelled(code_util.base64.encode(encrypted(JSON.stringify(secret))));
env.hmd5 = code_util.hmac("md5", token, user.userPassword);
const signed = [user.username, env.hmd5, acid, env.ip, "200", "1", env.info];
env.chksum = code_util.sha1(signed.map((part) => token + part).join(""));
