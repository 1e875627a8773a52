//! The Lua scripts that store, take and put back a challenge; each is atomic.
//!
//! Taking a challenge leaves a mark with the taker's nonce under its key, and putting it back needs that mark: a
//! put-back that is sent twice because its answer was lost cannot revive a challenge that another daemon took in
//! between.
//!
//! Each returns the id of the Redis instance. They need EVAL, GET, SET, DEL and INFO.

use redis::Cmd;

use super::instance::InstanceId;

/// Identifies the call that took a challenge.
pub(super) const NONCE_BYTES: usize = 16;

/// How long a mark stays: longer than the longest call of a console.
const MARK_MS: u64 = 120_000;

/// The first byte of a mark; no sealed text begins with it.
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

/// `ARGV`: the instance that the text was sealed for, the text, its TTL in milliseconds. Another instance stores
/// nothing.
const PUT: &str = script!(
    "if life == ARGV[1] then redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
return {life, 1}"
);

/// `ARGV`: those of `PUT`, and the taker's mark.
const PUT_BACK: &str = script!(
    "if life ~= ARGV[1] or redis.call('GET', KEYS[1]) ~= ARGV[4] then return {life, 0} end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return {life, 1}"
);

/// `ARGV`: the taker's mark, its TTL in milliseconds. A Redis that is out of memory stores no mark; it deletes the
/// challenge.
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

/// What `TAKE` returns: the instance, 0 (nothing there, or another call's mark), 1 or [`ALREADY_TAKEN`], and the text.
pub(super) type TakeReply = (String, u8, Option<Vec<u8>>);

/// The mark of this call is there: an earlier try took the challenge, and its answer was lost.
pub(super) const ALREADY_TAKEN: u8 = 2;

fn eval(script: &str, key: &str) -> Cmd {
    let mut eval = redis::cmd("EVAL");
    eval.arg(script).arg(1).arg(key);
    eval
}

pub(super) fn put(key: &str, instance: &InstanceId, text: &[u8], ttl_ms: u64) -> Cmd {
    let mut put = eval(PUT, key);
    put.arg(&instance.0).arg(text).arg(ttl_ms);
    put
}

pub(super) fn put_back(
    key: &str,
    (instance, nonce): (&InstanceId, &[u8; NONCE_BYTES]),
    text: &[u8],
    ttl_ms: u64,
) -> Cmd {
    let mut put = eval(PUT_BACK, key);
    put.arg(&instance.0).arg(text).arg(ttl_ms).arg(mark(nonce));
    put
}

pub(super) fn take(key: &str, nonce: &[u8; NONCE_BYTES]) -> Cmd {
    let mut take = eval(TAKE, key);
    take.arg(mark(nonce)).arg(MARK_MS);
    take
}

fn mark(nonce: &[u8; NONCE_BYTES]) -> Vec<u8> {
    [&[MARK][..], nonce].concat()
}
