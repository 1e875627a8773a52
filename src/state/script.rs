//! What Redis does with a challenge, each in one script, so that nothing comes between its parts.
//!
//! A challenge that was taken leaves a mark with the taker's nonce. Only who finds their own mark puts it back: a put-back that
//! is sent twice because its answer was lost cannot revive what another daemon has taken in between.
//!
//! All of them say in which life of Redis they ran. They need EVAL, GET, SET, DEL and INFO.

use redis::Cmd;

use super::life::Life;

/// Of a call that takes a challenge.
pub(super) const NONCE_BYTES: usize = 16;

/// How long a mark stays: longer than the longest call of a console.
const MARK_MS: u64 = 120_000;

/// No sealed text begins with it.
const MARK: u8 = 0;

macro_rules! script {
    ($body:literal) => {
        concat!(
            "local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')\n",
            "if not run then return redis.error_reply('NORUNID') end\n",
            "local life = run .. (string.match(redis.call('INFO', 'replication'), 'master_replid:(%w+)') or '')\n",
            $body
        )
    };
}

/// `ARGV`: the life that the text was sealed for, the text, its milliseconds. In another life nothing is done.
const PUT: &str = script!(
    "if life == ARGV[1] then redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
return {life, 1}"
);

/// `ARGV`: as of `PUT`, and the taker's mark.
const PUT_BACK: &str = script!(
    "if life ~= ARGV[1] or redis.call('GET', KEYS[1]) ~= ARGV[4] then return {life, 0} end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return {life, 1}"
);

/// `ARGV`: the taker's mark, its milliseconds. A Redis without memory takes no mark, but lets go of a challenge.
const TAKE: &str = script!(
    "local kept = redis.call('GET', KEYS[1])
if not kept then return {life, 0, false} end
if kept == ARGV[1] then return {life, 2, false} end
if string.byte(kept) == 0 then return {life, 0, false} end
local marked = redis.pcall('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
if marked.err then
  if not string.find(marked.err, 'OOM', 1, true) then return marked end
  redis.call('DEL', KEYS[1])
end
return {life, 1, kept}"
);

/// What `TAKE` gives: the life, 0 (nothing was there, or another call's mark), 1 or [`LOST`], and the text.
pub(super) type Found = (String, u8, Option<Vec<u8>>);

/// The mark of this very call: it was taken, and the answer was lost.
pub(super) const LOST: u8 = 2;

fn eval(script: &str, key: &str) -> Cmd {
    let mut eval = redis::cmd("EVAL");
    eval.arg(script).arg(1).arg(key);
    eval
}

/// A text under `key`.
pub(super) fn put(key: &str, life: &Life, text: &[u8], ttl_ms: u64) -> Cmd {
    let mut put = eval(PUT, key);
    put.arg(&life.0).arg(text).arg(ttl_ms);
    put
}

/// The same where this call's mark is.
pub(super) fn put_back(key: &str, (life, nonce): (&Life, &[u8; NONCE_BYTES]), text: &[u8], ttl_ms: u64) -> Cmd {
    let mut put = eval(PUT_BACK, key);
    put.arg(&life.0).arg(text).arg(ttl_ms).arg(mark(nonce));
    put
}

/// What is under `key`.
pub(super) fn take(key: &str, nonce: &[u8; NONCE_BYTES]) -> Cmd {
    let mut take = eval(TAKE, key);
    take.arg(mark(nonce)).arg(MARK_MS);
    take
}

fn mark(nonce: &[u8; NONCE_BYTES]) -> Vec<u8> {
    [&[MARK][..], nonce].concat()
}
