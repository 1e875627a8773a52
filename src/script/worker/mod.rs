//! The worker process: reads frames from its standard input, runs scripts, writes frames to its standard output.
//!
//! One thread has the engine, the main thread writes: a finished reply never waits for the next call. The process takes
//! everything away from itself before it reads its first frame. It opens nothing, logs nothing and prints nothing:
//! whatever it could print might hold a password.

mod calls;
mod probe;
pub mod sandbox;

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

/// Stack of the engine thread. 512 nested calls through built-in functions need less than 8 MiB in a debug build.
const ENGINE_STACK: usize = 16 * 1024 * 1024;

/// Replies that may wait for the writer. The daemon keeps at most 8 calls in flight, so this never fills.
const REPLIES: usize = 64;

/// Between two looks whether the daemon still lives. Its death closes the input, but a script in a loop reads none.
const PARENT_CHECK: Duration = Duration::from_secs(1);

/// How the process ended when its streams broke or the engine thread panicked.
const FAILED: u8 = 70;

/// Serves until standard input ends. To be called by the binary before anything else, on its main thread.
pub fn main() -> ExitCode {
    // A panic message can quote what the script computed.
    std::panic::set_hook(Box::new(|_| {}));
    let restrictions = sandbox::enter();
    let (replies, outgoing) = sync_channel::<Vec<u8>>(REPLIES);
    let (go, start) = sync_channel(1);
    let (here, runs) = sync_channel(1);
    let engine = thread::Builder::new().stack_size(ENGINE_STACK).spawn(move || {
        here.send(()).map_err(|_| calls::Stop)?;
        run_engine(&start, &replies)
    });
    let Ok(engine) = engine else { return ExitCode::from(FAILED) };
    // The filter takes away what makes a thread and what a thread does while it starts, so it comes when both run.
    if runs.recv().is_err() {
        return ExitCode::from(FAILED);
    }
    let restrictions = sandbox::seal(restrictions);
    if go.send(restrictions).is_err() {
        return ExitCode::from(FAILED);
    }
    let written = write_replies(&outgoing, rustix::process::getppid());
    // A writer that failed has no reader any more; the engine thread is not waited for, it may be in a loop.
    if written.is_err() {
        return ExitCode::from(FAILED);
    }
    match engine.join() {
        Ok(Ok(())) => ExitCode::SUCCESS,
        _ => ExitCode::from(FAILED),
    }
}

fn run_engine(start: &Receiver<sandbox::Sandbox>, replies: &SyncSender<Vec<u8>>) -> Result<(), calls::Stop> {
    let restrictions = start.recv().map_err(|_| calls::Stop)?;
    calls::serve(std::io::stdin().lock(), replies, restrictions)
}

/// Writes replies as they come, together when several wait. Fails when the daemon is gone: nobody would end a script in
/// a loop any more.
fn write_replies(outgoing: &Receiver<Vec<u8>>, parent: Option<rustix::process::Pid>) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    loop {
        let mut bytes = match outgoing.recv_timeout(PARENT_CHECK) {
            Ok(bytes) => bytes,
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
            Err(RecvTimeoutError::Timeout) if rustix::process::getppid() == parent => continue,
            Err(RecvTimeoutError::Timeout) => return Err(std::io::ErrorKind::BrokenPipe.into()),
        };
        while let Ok(more) = outgoing.try_recv() {
            bytes.extend_from_slice(&more);
        }
        out.write_all(&bytes)?;
        out.flush()?;
    }
}
