//! A line that says how far a long command is: on a terminal only, and gone before anything else is printed.

use std::io::{IsTerminal as _, Write as _};

/// The line; it goes away when this is dropped.
pub struct Progress {
    on_terminal: bool,
    shown: bool,
}

impl Progress {
    /// Nothing is shown yet. Standard error has the line, so that what is piped stays as it is.
    pub fn new() -> Self {
        Self { on_terminal: std::io::stderr().is_terminal(), shown: false }
    }

    /// Shows `text` in place of what stands there.
    pub fn show(&mut self, text: impl FnOnce() -> String) {
        if self.on_terminal {
            self.shown = true;
            write(&format!("\r\u{1b}[K{}", text()));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown {
            write("\r\u{1b}[K");
        }
    }
}

/// Not a reason for anything to fail.
fn write(text: &str) {
    let mut out = std::io::stderr().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
