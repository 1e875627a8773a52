//! The scripts of shared counts. They need EVAL, GET, SET, DEL and TIME.
//!
//! A key of failures holds `failures until last end=count end=count …`: milliseconds of Redis's own clock, and logins in flight by
//! the time, in steps of ten seconds, when they can no longer run. A key of a rate holds the instant up to which it is used up, in
//! microseconds (the generic cell rate algorithm).

use std::time::Duration;

use redis::Cmd;

use super::{FailureRules, MAX_RUN, SharedChange, SharedEntry, SharedRule};

/// `ARGV`: how long a login runs at most, when failures are forgotten, the waits; then for each key its rule of three.
const COMMON: &str = r"
local time = redis.call('TIME')
local now_us = tonumber(time[1]) * 1000000 + tonumber(time[2])
local now = math.floor(now_us / 1000)
local run, forget = tonumber(ARGV[1]), tonumber(ARGV[2])
local function text(number) return string.format('%.0f', number) end
local function load(key)
  local s = {f = 0, u = 0, l = 0, n = 0, ends = {}}
  local f, u, l, rest = string.match(redis.call('GET', key) or '', '^(%d+) (%d+) (%d+)(.*)$')
  if not f then return s end
  s.f, s.u, s.l = tonumber(f), tonumber(u), tonumber(l)
  if now - s.l > forget then s.f, s.u = 0, 0 end
  for e, c in string.gmatch(rest, '(%d+)=(%d+)') do
    if tonumber(e) > now then s.ends[e] = tonumber(c); s.n = s.n + tonumber(c) end
  end
  return s
end
local function save(key, s)
  if s.f == 0 and s.n <= 0 then redis.call('DEL', key); return end
  local ttl = 1
  if s.f > 0 then ttl = math.max(ttl, s.u - now, s.l + forget - now) end
  local value = text(s.f) .. ' ' .. text(s.u) .. ' ' .. text(s.l)
  for e, c in pairs(s.ends) do
    if c > 0 then value = value .. ' ' .. e .. '=' .. text(c); ttl = math.max(ttl, tonumber(e) - now) end
  end
  redis.call('SET', key, value, 'PX', text(ttl))
end
local function tat(key) return math.max(tonumber(redis.call('GET', key) or '0') or 0, now_us) end
local function save_rate(key, at)
  if at <= now_us then redis.call('DEL', key) else redis.call('SET', key, text(at), 'PX', text(math.ceil((at - now_us) / 1000))) end
end
";

/// Returns 0 and when the login's places end, or the number of the key that refuses and the wait in milliseconds.
const ENTER: &str = r"
local states = {}
for i, key in ipairs(KEYS) do
  local kind, a, b = ARGV[i * 3 + 1], tonumber(ARGV[i * 3 + 2]), tonumber(ARGV[i * 3 + 3])
  if kind == 'rate' then
    local at = tat(key)
    local wait = at - now_us - (b - a)
    if wait > 0 then return {i, text(math.ceil(wait / 1000))} end
    states[i] = at + a
  else
    local s = load(key)
    if s.u > now then return {i, text(s.u - now)} end
    local left = math.max(a + 1 - s.f, 1)
    local most = math.min(left, math.max(b, 1))
    if kind == 'address' then
      if s.f > a then most = left else most = b - s.f end
    end
    if s.n >= most then return {i, '1000'} end
    states[i] = s
  end
end
local ends = text(math.floor((now + run) / 10000 + 1) * 10000)
for i, key in ipairs(KEYS) do
  if ARGV[i * 3 + 1] == 'rate' then
    save_rate(key, states[i])
  else
    local s = states[i]
    s.n = s.n + 1
    s.ends[ends] = (s.ends[ends] or 0) + 1
    save(key, s)
  end
end
return {0, ends}";

/// `ARGV` ends with the end of the login's places; the rule of a key has its change in front.
const LEAVE: &str = r"
local ends = ARGV[#ARGV]
local waits = {}
for wait in string.gmatch(ARGV[3], '%d+') do waits[#waits + 1] = tonumber(wait) end
for i, key in ipairs(KEYS) do
  local change, a = ARGV[i * 3 + 1], tonumber(ARGV[i * 3 + 2])
  if change == 'give_back' then
    save_rate(key, tat(key) - a)
  elseif change ~= 'keep' then
    local s = load(key)
    if (s.ends[ends] or 0) > 0 then s.ends[ends] = s.ends[ends] - 1; s.n = s.n - 1 end
    if change == 'fail' then
      s.f, s.l = s.f + 1, now
      local over = s.f - a
      if over > 0 and #waits > 0 then s.u = now + waits[math.min(over, #waits)] else s.u = 0 end
    elseif change == 'clear' then
      s.f, s.u = 0, 0
    end
    save(key, s)
  end
end
return 1";

fn head(script: &str, keys: &[String], rules: FailureRules<'_>) -> Cmd {
    let mut cmd = redis::cmd("EVAL");
    cmd.arg(format!("{COMMON}{script}")).arg(keys.len()).arg(keys);
    let waits: Vec<String> = rules.waits.iter().map(|wait| milliseconds(*wait).to_string()).collect();
    cmd.arg(milliseconds(MAX_RUN)).arg(milliseconds(rules.forget_after)).arg(waits.join(","));
    cmd
}

pub(super) fn enter(entry: &SharedEntry, rules: FailureRules<'_>) -> Cmd {
    let mut cmd = head(ENTER, &entry.keys, rules);
    for bound in &entry.rules {
        match *bound {
            SharedRule::Failures { free, in_flight, account } => {
                cmd.arg(if account { "account" } else { "address" }).arg(free).arg(in_flight);
            }
            SharedRule::Rate { most, per } => {
                cmd.arg("rate").arg(interval(most, per)).arg(microseconds(per));
            }
        }
    }
    cmd
}

pub(super) fn leave(entry: &SharedEntry, changes: &[SharedChange], rules: FailureRules<'_>) -> Cmd {
    let mut cmd = head(LEAVE, &entry.keys, rules);
    for (bound, change) in entry.rules.iter().zip(changes) {
        let word = match change {
            SharedChange::Leave => "leave",
            SharedChange::Fail => "fail",
            SharedChange::Clear => "clear",
            SharedChange::GiveBack => "give_back",
            SharedChange::Keep => "keep",
        };
        let first = match *bound {
            SharedRule::Failures { free, .. } => u64::from(free),
            SharedRule::Rate { most, per } => interval(most, per),
        };
        cmd.arg(word).arg(first).arg(0);
    }
    cmd.arg(&entry.ends);
    cmd
}

fn interval(most: u32, per: Duration) -> u64 {
    microseconds(per / most.max(1))
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn microseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
