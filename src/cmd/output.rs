//! What a command prints. A reader that has read enough (`doorward check | head`) is no error.

use std::io::{self, ErrorKind, Write as _};

use anyhow::Context as _;

/// Writes `text` to standard output. Colours come with it; the stream drops them where they are not shown.
pub fn print(text: &str) -> anyhow::Result<()> {
    let mut out = anstream::stdout();
    read_or_left(out.write_all(text.as_bytes()).and_then(|()| out.flush())).context("standard output cannot be written")
}

fn read_or_left(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::{ErrorKind, io, read_or_left};

    #[test]
    fn a_reader_that_left_is_no_mistake_and_a_full_disk_is() {
        assert!(read_or_left(Err(ErrorKind::BrokenPipe.into())).is_ok());
        assert!(read_or_left(Err(ErrorKind::StorageFull.into())).is_err());
        assert!(read_or_left(io::Result::Ok(())).is_ok());
    }
}
