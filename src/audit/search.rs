//! Finds the lines of one login in the audit trail, the newest first, within bounds: the files may hold gigabytes, and a
//! client that may read can ask for any id.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::Deserialize;

use super::login_record::LoginRecord;

/// Bytes of one read.
const CHUNK: u64 = 1 << 20;

/// A line is shorter: its explanation and its steps are bounded.
const MAX_LINE: usize = 1 << 20;

/// Where a line's id ends at the latest: behind the time, with every character escaped.
const HEAD: usize = 512;

/// How far before a line that was found others of the same login are looked for; a challenge is open for minutes.
const BEFORE: u64 = 4 << 20;

/// How much a search may read, and until when.
#[derive(Debug, Clone, Copy)]
pub struct SearchBounds {
    /// Bytes of all files together.
    pub bytes: u64,
    /// It ends then, wherever it is.
    pub until: Instant,
}

#[derive(Deserialize)]
struct Line {
    request_id: String,
    #[serde(flatten)]
    record: LoginRecord,
}

/// The records of `request_id` in `file` and the `keep` files that were rotated away, the oldest first. Blocks.
pub fn search(file: &Path, keep: u32, request_id: &str, mut bounds: SearchBounds) -> io::Result<Vec<LoginRecord>> {
    // Serialising a string does not fail.
    let needle = format!("\"request_id\":{}", serde_json::to_string(request_id).unwrap_or_default());
    let mut newest_first = Vec::new();
    for number in 0..=keep {
        let mut path = file.as_os_str().to_owned();
        if number > 0 {
            path.push(format!(".{number}"));
        }
        match search_file(&PathBuf::from(path), (request_id, &needle), &mut bounds, &mut newest_first) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && number > 0 => break,
            other => other?,
        }
        if bounds.bytes == 0 {
            break;
        }
    }
    newest_first.reverse();
    Ok(newest_first)
}

fn search_file(
    path: &Path,
    wanted: (&str, &str),
    bounds: &mut SearchBounds,
    newest_first: &mut Vec<LoginRecord>,
) -> io::Result<()> {
    // A pipe would be waited for.
    if !std::fs::metadata(path)?.is_file() {
        return Ok(());
    }
    let file = File::open(path)?;
    let mut end = file.metadata()?.len();
    // What was read of a line whose beginning stands before it.
    let mut tail: Vec<u8> = Vec::new();
    while end > 0 && bounds.bytes > 0 && Instant::now() < bounds.until {
        let length = CHUNK.min(end).min(bounds.bytes);
        end -= length;
        bounds.bytes -= length;
        let mut text = vec![0; usize::try_from(length).unwrap_or_default()];
        file.read_exact_at(&mut text, end)?;
        text.append(&mut tail);
        let whole =
            if end == 0 { 0 } else { text.iter().position(|byte| *byte == b'\n').map_or(text.len(), |at| at + 1) };
        let found = newest_first.len();
        newest_first.extend(text[whole..].rsplit(|byte| *byte == b'\n').filter_map(|line| record(line, wanted)));
        if newest_first.len() > found {
            bounds.bytes = bounds.bytes.min(BEFORE);
        }
        text.truncate(whole);
        tail = text;
        if tail.len() > MAX_LINE {
            tail.clear();
        }
    }
    Ok(())
}

/// The record of a line that is of this id and that can be read.
fn record(line: &[u8], (request_id, needle): (&str, &str)) -> Option<LoginRecord> {
    let head = &line[..line.len().min(HEAD)];
    head.windows(needle.len()).any(|part| part == needle.as_bytes()).then_some(())?;
    let line: Line = serde_json::from_slice(line).ok()?;
    (line.request_id == request_id).then_some(line.record)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn line(id: &str, explain: &str) -> String {
        format!(
            "{{\"time\":\"2026-11-29T08:00:00.000Z\",\"request_id\":{},\"client\":\"c\",\"connector\":\"demo\",\"revision\":\"r\",\
             \"verdict\":\"reject\",\"reason\":\"other\",\"explain\":{},\"username\":\"u\",\"client_ip\":null,\
             \"steps\":[{{\"name\":\"login\",\"end\":\"ended\",\"status\":200,\"ms\":1}}],\"credential_sends\":1,\"ms\":2}}\n",
            serde_json::to_string(id).unwrap(),
            serde_json::to_string(explain).unwrap()
        )
    }

    fn bounds(bytes: u64) -> SearchBounds {
        SearchBounds { bytes, until: Instant::now() + Duration::from_mins(1) }
    }

    fn explains(file: &Path, id: &str, bytes: u64) -> Vec<String> {
        search(file, 3, id, bounds(bytes)).unwrap().into_iter().map(|record| record.explain).collect()
    }

    #[test]
    fn all_parts_of_a_login_are_found_in_all_files_oldest_first() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a.jsonl");
        std::fs::write(directory.path().join("a.jsonl.2"), line("x", "one") + &line("y", "no")).unwrap();
        std::fs::write(directory.path().join("a.jsonl.1"), line("x", "two")).unwrap();
        // Beyond one read, with lines over the seams, one that is torn and one that only quotes the id.
        let long = "z".repeat(3000);
        let mut text: String = (0..300).map(|number| line(&format!("n{number}"), &long)).collect();
        text += &line("x", "three");
        text += &line("quoting", "\"request_id\":\"x\"");
        text += &text.clone();
        std::fs::write(&file, text.clone() + "{\"time\":\"\",\"request_id\":\"x\",\"torn").unwrap();
        assert_eq!(explains(&file, "x", 1 << 30), ["one", "two", "three", "three"]);
        assert_eq!(explains(&file, "n0", 1 << 30).len(), 2);
        assert_eq!(explains(&file, "", 1 << 30).len(), 0);
        // Within its bounds it finds the newest.
        assert_eq!(explains(&file, "x", 10_000), ["three"]);
        assert!(explains(&file, "x", 0).is_empty());
        let past = SearchBounds { bytes: 1 << 30, until: Instant::now() };
        assert!(search(&file, 3, "x", past).unwrap().is_empty());
    }

    #[test]
    fn an_id_with_quotes_is_found_and_a_pipe_is_not_waited_for() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a.jsonl");
        let id = "a\"\\b/c?".to_owned() + &"\"".repeat(120);
        std::fs::write(&file, line(&id, "found")).unwrap();
        assert_eq!(explains(&file, &id, 1 << 20), ["found"]);
        assert!(search(&directory.path().join("none"), 1, "x", bounds(1)).is_err());
        assert!(search(Path::new("/dev/null"), 0, "x", bounds(1)).unwrap().is_empty());
    }
}
