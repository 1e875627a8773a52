//! The password of a send test: asked for at the terminal without echo, or one line of standard input.
//!
//! It passes byte for byte: no trimming, no folding. Only the line end that a shell or an editor adds is not part of it.

use std::io::{self, IsTerminal as _, Read as _};

use anyhow::Context as _;
use doorward::secret::Secret;
use doorward::trace::harmless;
use zeroize::Zeroizing;

use crate::cmd::language::lang;

/// More than a login of the API may hold.
const MAX_BYTES: u64 = 64 * 1024;

/// The password of `username`, and what else stands on standard input when more lines than the password's may.
pub fn read(username: &str, from_stdin: bool, with_more: bool) -> anyhow::Result<(Secret, Zeroizing<String>)> {
    if from_stdin { from_standard_input(with_more) } else { Ok((ask(username)?, Zeroizing::default())) }
}

fn from_standard_input(with_more: bool) -> anyhow::Result<(Secret, Zeroizing<String>)> {
    // Room for all that is read, so that no copy of it stays behind when the buffer grows.
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(MAX_BYTES + 2)?));
    io::stdin().lock().take(MAX_BYTES + 1).read_to_end(&mut bytes).context("standard input cannot be read")?;
    anyhow::ensure!(u64::try_from(bytes.len())? <= MAX_BYTES, "the password on standard input is longer than 64 KiB");
    let text = str::from_utf8(&bytes).map_err(|_| anyhow::anyhow!("the password on standard input is not UTF-8"))?;
    if with_more {
        let (line, more) = text.split_once('\n').unwrap_or((text, ""));
        return Ok((Secret::new(line.strip_suffix('\r').unwrap_or(line)), Zeroizing::new(more.to_owned())));
    }
    let line = without_line_end(text);
    anyhow::ensure!(!line.contains('\n'), "standard input holds more than one line; the password is one line");
    Ok((Secret::new(line), Zeroizing::default()))
}

fn ask(username: &str) -> anyhow::Result<Secret> {
    anyhow::ensure!(io::stdin().is_terminal(), "there is no terminal to ask for the password; use --password-stdin");
    // What is typed as a user name must not move the cursor of the person who types the password.
    let shown = harmless(username);
    let text = rpassword::prompt_password(lang().fill("test.password", &[("user", &shown)]))
        .context("the password cannot be read")?;
    let text = Zeroizing::new(text);
    Ok(Secret::new(text.as_str()))
}

/// `text` without one line end at its end, LF or CR LF.
pub fn without_line_end(text: &str) -> &str {
    match text.strip_suffix('\n') {
        Some(line) => line.strip_suffix('\r').unwrap_or(line),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::without_line_end;

    #[test]
    fn one_line_end_and_nothing_else_is_taken_away() {
        for (written, password) in [
            ("pw", "pw"),
            ("pw\n", "pw"),
            ("pw\r\n", "pw"),
            ("pw\r", "pw\r"),
            (" pw \n", " pw "),
            ("pw\r\r\n", "pw\r"),
            ("\n", ""),
            ("", ""),
        ] {
            assert_eq!(without_line_end(written), password, "{written:?}");
        }
    }
}
