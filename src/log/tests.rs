//! The queue in front of the log's reader: what is lost is counted, all else is written, also at the end.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::*;

/// A reader that reads nothing until it is signalled, then everything.
struct Reader {
    go: Option<Receiver<()>>,
    written: SyncSender<Vec<u8>>,
}

impl Write for Reader {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(go) = self.go.take() {
            let _ = go.recv();
        }
        let _ = self.written.send(bytes.to_vec());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn reader(stalled: bool) -> (Reader, SyncSender<()>, Receiver<Vec<u8>>) {
    let (go, wait) = sync_channel(1);
    let (written, lines) = sync_channel(100_000);
    (Reader { go: stalled.then_some(wait), written }, go, lines)
}

fn text(lines: &Receiver<Vec<u8>>) -> String {
    String::from_utf8(lines.try_iter().flatten().collect()).unwrap()
}

#[test]
fn lines_beyond_the_queue_of_a_stalled_reader_are_counted_and_the_others_written() {
    const LINES: usize = 4 * MAX_WAITING_LINES;
    let (reader, go, written) = reader(true);
    let (mut lines, guard) = queue(reader);
    let lost = lines.error_counter();
    for number in 0..LINES {
        // Longer than the batch holds all together, so that the writer comes to stand before the reader.
        lines.write_all(format!("{number:>100}\n").as_bytes()).unwrap();
    }
    let lost = lost.dropped_lines();
    assert!(lost > LINES - 2 * MAX_WAITING_LINES, "{lost}");
    go.send(()).unwrap();
    let mut text = String::new();
    while text.lines().count() + lost < LINES {
        text.push_str(&String::from_utf8(written.recv().unwrap()).unwrap());
    }
    drop(guard);
    let numbers: Vec<usize> = text.lines().map(|line| line.trim().parse().unwrap()).collect();
    assert!(numbers.is_sorted());
    assert_eq!(numbers.len() + lost, LINES);
}

#[test]
fn the_last_lines_are_written_before_the_end() {
    let (reader, _, written) = reader(false);
    let (mut lines, guard) = queue(reader);
    for number in 0..1000 {
        lines.write_all(format!("{number}\n").as_bytes()).unwrap();
    }
    drop(guard);
    let text = text(&written);
    assert_eq!(text.lines().count(), 1000);
    assert!(text.ends_with("999\n"));
}
