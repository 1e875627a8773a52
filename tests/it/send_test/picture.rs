//! docs/trace.svg, the picture of a trace in README.md, painted from what the command really prints on a terminal.
//!
//! Times and ports differ from run to run; those that README.md shows are put in before it is painted. `UPDATE_EXPECT=1` paints
//! it anew.

use std::fmt::Write as _;
use std::path::Path;

use unicode_width::UnicodeWidthChar as _;

/// Pixels of a column and of a line at this font's size.
const COLUMN: f64 = 7.8;
const LINE: usize = 18;

/// How much is left free around the text.
const MARGIN: f64 = 16.0;

/// Text in one colour, with the column where it begins.
struct Run {
    column: usize,
    style: String,
    text: String,
}

/// The runs of one line with ANSI colours. White space is where runs end, so that columns stay columns in every font.
fn runs(line: &str) -> Vec<Run> {
    let (mut runs, mut column, mut style): (Vec<Run>, usize, Vec<u8>) = (Vec::new(), 0, Vec::new());
    let mut open = false;
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        if character == '\u{1b}' {
            let codes: String = characters.by_ref().skip(1).take_while(|c| *c != 'm').collect();
            for code in codes.split(';').map(|code| code.parse().unwrap_or(0)) {
                if code == 0 { style.clear() } else { style.push(code) }
            }
            open = false;
        } else if character == ' ' && (characters.peek() == Some(&' ') || !open) {
            column += 1;
            open = false;
        } else {
            if !open {
                runs.push(Run { column, style: painted(&style), text: String::new() });
                open = true;
            }
            runs.last_mut().unwrap().text.push(character);
            column += character.width().unwrap_or(0);
        }
    }
    for run in &mut runs {
        run.text.truncate(run.text.trim_end().len());
    }
    runs
}

/// SGR codes (ECMA-48 section 8.3.117) as attributes.
fn painted(codes: &[u8]) -> String {
    let mut attributes = String::new();
    for code in codes {
        attributes.push_str(match code {
            1 => " font-weight=\"bold\"",
            2 => " fill=\"#8b949e\"",
            31 => " fill=\"#ff7b72\"",
            32 => " fill=\"#7ee787\"",
            33 => " fill=\"#e3b341\"",
            36 => " fill=\"#76e3ea\"",
            other => panic!("the colour {other} has no place in the picture"),
        });
    }
    attributes
}

fn svg(lines: &[String]) -> String {
    let width = |text: &str| text.chars().map(|c| c.width().unwrap_or(0)).sum::<usize>();
    let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let lines: Vec<Vec<Run>> = lines.iter().map(|line| runs(line)).collect();
    let columns = lines.iter().flatten().map(|run| run.column + width(&run.text)).max().unwrap_or(0);
    #[expect(clippy::cast_precision_loss, reason = "columns of a line")]
    let x = |column: usize| MARGIN + column as f64 * COLUMN;
    let (wide, high) = ((x(columns) + MARGIN).ceil(), lines.len() * LINE + 2 * 16 + 4);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {wide} {high}\" width=\"{wide}\" height=\"{high}\" \
         font-family=\"ui-monospace,SFMono-Regular,Menlo,Consolas,monospace\" font-size=\"13\" fill=\"#e6edf3\" \
         xml:space=\"preserve\"><title>doorward test: the trace of a rejected login</title>\
         <rect width=\"{wide}\" height=\"{high}\" rx=\"8\" fill=\"#0d1117\"/>\n"
    );
    for (number, runs) in lines.iter().enumerate() {
        for Run { column, style, text } in runs {
            let (y, length) = (28 + number * LINE, x(width(text)) - MARGIN);
            writeln!(
                svg,
                "<text{style} x=\"{:.1}\" y=\"{y}\" textLength=\"{length:.1}\">{}</text>",
                x(*column),
                escaped(text)
            )
            .unwrap();
        }
    }
    svg.push_str("</svg>\n");
    svg
}

#[tokio::test]
async fn the_picture_shows_what_the_command_prints() {
    let server = doorward_demo::DemoServer::start().await.unwrap();
    let scratch = tempfile::tempdir().unwrap();
    std::fs::write(scratch.path().join("my-4a.yaml"), super::walked_through()).unwrap();
    let there = format!("base={}", server.base());
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_doorward"));
    command.args(["test", "my-4a.yaml", "--username", "zhangsan", "--password-stdin", "--set", &there]);
    // Colours as on a terminal, whatever this test's own output is.
    command.current_dir(scratch.path()).env("CLICOLOR_FORCE", "1").env_remove("NO_COLOR");
    command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut child.stdin.take().unwrap(), b"x\n").await.unwrap();
    let printed = String::from_utf8(child.wait_with_output().await.unwrap().stdout).unwrap();
    assert!(printed.contains("\u{1b}["), "it is coloured: {printed}");
    let readme = include_str!("../../../README.md");
    let shown = readme.split("```console\n").find(|block| block.contains("\nreject  ")).unwrap();
    let (call, shown) = shown.split("```").next().unwrap().split_once('\n').unwrap();
    #[expect(clippy::disallowed_methods, reason = "a fixed pattern of a test")]
    let varies = regex::Regex::new(r"\d+(\.\d+)? (ms|s)\b|127\.0\.0\.1:\d+").unwrap();
    let mut samples = varies.find_iter(shown).map(|found| found.as_str());
    let printed = varies.replace_all(&printed, |_: &regex::Captures<'_>| samples.next().unwrap_or("…"));
    let mut lines = vec![format!("\u{1b}[2m$\u{1b}[0m {}", call.trim_start_matches("$ "))];
    lines.extend(printed.lines().map(str::to_owned));
    let picture = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/trace.svg");
    expect_test::expect_file![picture].assert_eq(&svg(&lines));
}
