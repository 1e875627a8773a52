//! The worker process: reads frames from its standard input, runs scripts, writes frames to its standard output.
//!
//! One thread runs the engine and writes each reply before it begins the next call; passing it to another thread would
//! cost more than the script. The main thread watches whether the daemon is still alive. The process drops its
//! permissions before it reads its first frame. It opens, logs and prints nothing, because anything it printed might
//! contain a password.

mod calls;
mod probe;
pub mod sandbox;

use std::io::Read as _;
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

/// Stack of the engine thread. 512 nested calls through built-in functions need less than 8 MiB in a debug build.
const ENGINE_STACK: usize = 16 * 1024 * 1024;

/// Between two checks that the daemon is alive. Its death closes the input, but a script in a loop reads no input.
const PARENT_CHECK: Duration = Duration::from_secs(1);

/// Exit status when the streams broke or the engine thread panicked.
const FAILED: u8 = 70;

/// Serves until standard input ends. To be called by the binary before anything else, on its main thread.
pub fn main() -> ExitCode {
    // A panic message can quote what the script computed.
    std::panic::set_hook(Box::new(|_| {}));
    let restrictions = sandbox::enter();
    // The first byte is no secret, and the daemon opens the files of `usage` before it sends it.
    let mut first = [0];
    if std::io::stdin().read_exact(&mut first).is_err() {
        return ExitCode::SUCCESS;
    }
    let restrictions = sandbox::hide(restrictions);
    // Nothing is ever sent: the channel closes when the engine thread ends.
    let (busy, ended) = sync_channel::<()>(0);
    let (go, start) = sync_channel(1);
    let (here, runs) = sync_channel(1);
    let engine = thread::Builder::new().stack_size(ENGINE_STACK).spawn(move || {
        let _busy = busy;
        here.send(()).map_err(|_| calls::Stop)?;
        run_engine(&start, first)
    });
    let Ok(engine) = engine else { return ExitCode::from(FAILED) };
    // The filter forbids the system calls that start a thread, so it is set when both threads run.
    if runs.recv().is_err() {
        return ExitCode::from(FAILED);
    }
    let restrictions = sandbox::seal(restrictions);
    if go.send(restrictions).is_err() {
        return ExitCode::from(FAILED);
    }
    // Without a daemon the engine thread is not waited for, because it may be in a loop.
    if !watch(&ended, rustix::process::getppid()) {
        return ExitCode::from(FAILED);
    }
    match engine.join() {
        Ok(Ok(())) => ExitCode::SUCCESS,
        _ => ExitCode::from(FAILED),
    }
}

fn run_engine(start: &Receiver<sandbox::Sandbox>, first: [u8; 1]) -> Result<(), calls::Stop> {
    let restrictions = start.recv().map_err(|_| calls::Stop)?;
    calls::serve(first.chain(std::io::stdin().lock()), std::io::stdout().lock(), restrictions)
}

/// Waits for the end of the engine thread; false if the daemon dies first, since then nothing would end a script in a
/// loop.
fn watch(ended: &Receiver<()>, parent: Option<rustix::process::Pid>) -> bool {
    while ended.recv_timeout(PARENT_CHECK) == Err(RecvTimeoutError::Timeout) {
        if rustix::process::getppid() != parent {
            return false;
        }
    }
    true
}
