//! A worker's memory over hundreds of thousands of calls, each with a text of its own that no later call may find there.
//!
//! The frames go straight to a worker process: what a pool costs around it would double the minutes. In CI each style
//! runs 200,000 times, elsewhere 20,000 times.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::json;

/// Calls until the allocator has seen a style's sizes.
const WARM: usize = 4_000;

/// Calls written at once. A pipe holds their frames.
const BATCH: usize = 16;

/// Calls between two looks at the memory.
const LOOK: usize = 800;

/// May lie between the lowest and the highest look.
const FLAT_KIB: u64 = 2048;

/// May lie between the first style and any other: what a style needs while it runs, garbage not yet collected included.
const ROOM_KIB: u64 = 8 * 1024;

/// What could stay behind in the tables of objects, shapes and names.
const OBJECTS: [(&str, &str); 14] = [
    ("Variables", "env.x = code_util.md5(user.mark)"),
    ("Variables", "try { globalThis[user.mark] = 1 } catch (e) { env.x = 1 }"),
    ("Variables", "try { Object.prototype[user.mark] = 1 } catch (e) { env.x = 1 }"),
    ("Variables", "const o = {}; o[user.mark] = 1; o[user.mark + 'b'] = 2; env.n = Object.keys(o).length"),
    ("Variables", "class A { [user.mark]() {} static [user.mark + 's'] = 1 } env.n = new A()[user.mark].name.length"),
    ("Variables", "env.x = { get y() { return user.mark } }"),
    ("Variables", "env.x = new Proxy({}, { get() { return user.mark } })"),
    (
        "Variables",
        "class A extends Array { static get [Symbol.species]() { return Array } } env.n = A.from([user.mark]).map((x) => x).length",
    ),
    ("Variables", "env.x = { toJSON() { return user.mark } }"),
    ("Variables", "const tag = (s, ...v) => s.raw.join() + v.join(); env.x = tag`a${user.mark}b`"),
    ("Variables", "env.x = Reflect.ownKeys(Reflect.construct(Map, [[[user.mark, 1]]])).length"),
    ("Variables", "const a = {}; a.self = a; a.f = () => a; a[Symbol(user.mark)] = user.mark; env.n = 1"),
    ("Preprocess", "return Object.keys(result).length"),
    ("Preprocess", "const o = Object.assign({}, result); o.__proto__ = user.mark; return { n: Object.keys(o).length }"),
];

/// What could stay behind in the compiler, in patterns, in errors and in parsed text.
const TEXTS: [(&str, &str); 9] = [
    ("Variables", "try { eval(user.mark) } catch (e) { env.x = 1 }"),
    ("Variables", "try { (function () {}).constructor(user.mark, user.mark) } catch (e) { env.x = 1 }"),
    ("Variables", "try { Promise.resolve(user.mark) } catch (e) { env.x = 1 }"),
    ("Variables", "throw new Error(user.mark)"),
    ("Variables", "throw code_util.reject(user.mark)"),
    ("Variables", "env.s = String(Symbol(user.mark)).length; env.stack = typeof new Error(user.mark).stack"),
    (
        "Variables",
        "env.r = new RegExp(user.mark).test('x'); env.n = user.mark.replace(/0+/g, '').length + 0 * user.mark.split('0').length",
    ),
    ("Variables", "env.x = JSON.parse('{\"' + user.mark + '\":[1,2,3]}'); env.y = JSON.stringify(env.x).length"),
    (
        "Variables",
        "env.x = Object.keys(code_util.parseForm(user.mark + '=1')).length; env.d = isNaN(new Date(user.mark))",
    ),
];

#[test]
fn calls_leave_no_object_behind() {
    stays_flat(&OBJECTS);
}

#[test]
fn calls_leave_no_text_behind() {
    stays_flat(&TEXTS);
}

fn stays_flat(styles: &[(&str, &str)]) {
    let calls = if std::env::var_os("CI").is_some() { 200_000 } else { 20_000 };
    println!("{calls} calls of each; 200000 with CI set");
    let mut worker = Direct::start(styles);
    let mut first = None;
    for (number, (_, text)) in (0..).zip(styles) {
        worker.calls(number, 0, WARM);
        let looks: Vec<u64> = (WARM..WARM + calls)
            .step_by(LOOK)
            .map(|from| {
                worker.calls(number, from, LOOK);
                worker.resident()
            })
            .collect();
        let (low, high) = (looks.iter().min().unwrap(), looks.iter().max().unwrap());
        println!("{low} to {high} KiB: {text}");
        assert!(high - low <= FLAT_KIB, "{low} to {high} KiB: {text}");
        let first = *first.get_or_insert(*low);
        assert!(*high <= first + ROOM_KIB, "{high} KiB, and {first} at first: {text}");
    }
}

/// A worker without a pool.
struct Direct {
    process: Child,
    input: ChildStdin,
    output: ChildStdout,
}

impl Direct {
    fn start(scripts: &[(&str, &str)]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_doorward"))
            .arg("script-worker")
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, output) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        let mut worker = Self { process, input, output };
        let load = json!({ "scripts": scripts, "memory": 64 << 20, "env_bytes": 65_536, "result_bytes": 1 << 20 });
        worker.input.write_all(&frame(1, load.to_string().as_bytes())).unwrap();
        assert_eq!(worker.answer(), 16, "ready");
        worker
    }

    /// Calls a script `count` times, each with a text of its own: 1 KiB, so that a few thousand calls show what is kept.
    fn calls(&mut self, script: u32, from: usize, count: usize) {
        for start in (from..from + count).step_by(BATCH) {
            let mut frames = Vec::new();
            for n in start..start + BATCH {
                let input = format!(
                    r#"{{"user":{{"mark":"m{n:01023}"}},"result":{{"m{n:0100}":1,"__proto__":{{"p{n:0100}":2}}}}}}"#
                );
                frames.extend(frame(2, &[&script.to_le_bytes()[..], input.as_bytes()].concat()));
            }
            self.input.write_all(&frames).unwrap();
            for _ in 0..BATCH {
                assert!((20..=23).contains(&self.answer()), "an outcome");
            }
        }
    }

    /// Reads one frame and says of what kind it is.
    fn answer(&mut self) -> u8 {
        let mut header = [0; 9];
        self.output.read_exact(&mut header).unwrap();
        let length = u32::from_le_bytes(header[..4].try_into().unwrap());
        self.output.read_exact(&mut vec![0; usize::try_from(length).unwrap()]).unwrap();
        header[4]
    }

    /// Resident KiB.
    fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }
}

impl Drop for Direct {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A frame of the worker's protocol (src/script/wire.rs), number 0.
fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap();
    [&length.to_le_bytes()[..], &[kind, 0, 0, 0, 0], payload].concat()
}
