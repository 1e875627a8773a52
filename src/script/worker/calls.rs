//! The engine thread of a worker: frames in, replies out.

use std::io::{Read, Write};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use zeroize::{Zeroize as _, Zeroizing};

use super::super::engine::{Checker, Engine, Reply, ResultCaps};
use super::super::reads::Reads;
use super::super::wire::{self, Frame, Inspected, Load, kind};
use super::{probe, sandbox};

/// A stream broke, or the daemon broke the protocol.
#[derive(Debug)]
pub(super) struct Stop;

/// Bytes read at once. A pipe holds 64 KiB.
const READ: usize = 64 * 1024;

/// A buffer that grew beyond this for one large call is freed.
const KEEP: usize = 1024 * 1024;

/// Answers frames until the input ends.
pub(super) fn serve(mut input: impl Read, mut output: impl Write, restrictions: sandbox::Sandbox) -> Result<(), Stop> {
    let mut session = Session { engine: None, checker: Checker::default(), restrictions };
    let mut buffer = Vec::new();
    let mut chunk = vec![0; READ];
    loop {
        let mut used = 0;
        while let Some((frame, length)) = wire::split(&buffer[used..]).map_err(|_| Stop)? {
            let reply = Zeroizing::new(session.answer(&frame)?);
            // Flushed, so that a finished reply never waits for the next call.
            output.write_all(&reply).and_then(|()| output.flush()).map_err(|_| Stop)?;
            used += length;
        }
        buffer.drain(..used);
        wipe_behind(&mut buffer, used);
        if buffer.is_empty() && buffer.capacity() > KEEP {
            buffer = Vec::new();
        }
        match input.read(&mut chunk) {
            Ok(0) => return Ok(()),
            Ok(count) => {
                buffer.extend_from_slice(&chunk[..count]);
                chunk[..count].zeroize();
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return Err(Stop),
        }
    }
}

/// Overwrites the `count` bytes that `drain` left behind the end: they contain credentials.
fn wipe_behind(buffer: &mut Vec<u8>, count: usize) {
    let left = buffer.len();
    buffer.resize(left + count, 0);
    buffer.truncate(left);
}

struct Session {
    engine: Option<Engine>,
    checker: Checker,
    restrictions: sandbox::Sandbox,
}

/// CPU time of this thread, which compiles and runs scripts.
fn cpu_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}

impl Session {
    fn answer(&mut self, frame: &Frame<'_>) -> Result<Vec<u8>, Stop> {
        match frame.kind {
            kind::CALL => self.call(frame),
            kind::LOAD => self.load(frame),
            kind::INSPECT => {
                let text = std::str::from_utf8(frame.payload).map_err(|_| Stop)?;
                let before = cpu_time();
                let inspected = match self.checker.check(text) {
                    Ok(reads) => {
                        let compiling = cpu_time().saturating_sub(before);
                        Inspected::Reads(Box::new(Reads { compiling, ..reads }))
                    }
                    Err(mistake) => Inspected::CompileError(mistake.message, mistake.place),
                };
                json(kind::INSPECTED, frame.number, &inspected)
            }
            kind::PROBE => json(kind::PROBED, frame.number, &probe::attempts()),
            _ => Err(Stop),
        }
    }

    fn load(&mut self, frame: &Frame<'_>) -> Result<Vec<u8>, Stop> {
        let load: Load = serde_json::from_slice(frame.payload).map_err(|_| Stop)?;
        let caps = ResultCaps { env: load.env_bytes, result: load.result_bytes };
        let mut engine = match Engine::new(caps) {
            Ok(engine) => engine,
            Err(why) => return Ok(wire::frame(kind::REFUSED, u32::MAX, &[why.as_bytes()])),
        };
        for (number, (kind, text)) in (0..).zip(load.scripts) {
            if let Err(mistake) = engine.add(kind, text) {
                let place = [mistake.place.line.to_le_bytes(), mistake.place.column.to_le_bytes()].concat();
                return Ok(wire::frame(kind::REFUSED, number, &[&place, mistake.message.as_bytes()]));
            }
        }
        self.engine = Some(engine);
        sandbox::limit_memory(load.memory);
        json(kind::READY, 0, &self.restrictions)
    }

    fn call(&mut self, frame: &Frame<'_>) -> Result<Vec<u8>, Stop> {
        let engine = self.engine.as_mut().ok_or(Stop)?;
        let (script, input) = wire::take_u32(frame.payload).ok_or(Stop)?;
        let input = std::str::from_utf8(input).map_err(|_| Stop)?;
        let script = usize::try_from(script).map_err(|_| Stop)?;
        let number = frame.number;
        Ok(match engine.call(script, input) {
            Reply::Value(json) => wire::frame(kind::VALUE, number, &[json.as_bytes()]),
            Reply::Rejected(message) => wire::frame(kind::REJECTED, number, &[message.as_bytes()]),
            Reply::BadResult(what) => wire::frame(kind::BAD_RESULT, number, &[what.as_bytes()]),
            Reply::Threw { message, at } => {
                let (line, column) = at.unwrap_or((0, 0));
                let place = [line.to_le_bytes(), column.to_le_bytes()].concat();
                wire::frame(kind::THREW, number, &[&place, message.as_bytes()])
            }
        })
    }
}

fn json(kind: u8, number: u32, value: &impl serde::Serialize) -> Result<Vec<u8>, Stop> {
    let text = serde_json::to_vec(value).map_err(|_| Stop)?;
    Ok(wire::frame(kind, number, &[&text]))
}
