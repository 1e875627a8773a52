//! What a run measured, as the tables of docs/performance.md, and what it was measured on.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};

use super::plot::Plot;

/// The part of the page that a run writes.
const BEGIN: &str = "<!-- what follows is written by `make bench` -->";
const END: &str = "<!-- until here -->";

/// One part of the page.
pub struct Section {
    /// Markdown.
    pub text: String,
    pub plots: Vec<Plot>,
}

/// All parts of a run.
pub struct Report {
    head: String,
    sections: Vec<Section>,
}

impl Report {
    pub fn begin() -> Self {
        let said = |program: &str, arguments: &[&str]| {
            let output = Command::new(program).args(arguments).output().ok()?;
            Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        };
        let commit = said("git", &["describe", "--always", "--dirty"]).unwrap_or_default();
        let date = said("date", &["-u", "+%F"]).unwrap_or_default();
        let processor = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let processor = processor.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
        let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
        let kernel = said("uname", &["-r"]).unwrap_or_default();
        let head = format!(
            "`make bench` at {commit}, {date}: {cores} cores of a virtual machine ({}), Linux {kernel}.\n",
            processor.trim_start_matches([':', ' ', '\t'])
        );
        println!("{head}");
        Self { head, sections: Vec::new() }
    }

    /// Prints a part when it is done.
    pub fn add(&mut self, section: Section) {
        println!("{}", section.text);
        self.sections.push(section);
    }

    /// Replaces the part of `directory`/performance.md between the marks, and writes the plots.
    pub fn write(&self, directory: &Path) -> Result<()> {
        let page = directory.join("performance.md");
        let text = std::fs::read_to_string(&page).with_context(|| page.display().to_string())?;
        let (before, rest) = text.split_once(BEGIN).context("performance.md has no mark where the tables begin")?;
        let (_, after) = rest.split_once(END).context("performance.md has no mark where the tables end")?;
        let mut made = format!("{before}{BEGIN}\n\n{}", self.head);
        for section in &self.sections {
            let _ = write!(made, "\n{}", section.text);
            for plot in &section.plots {
                let _ = write!(made, "\n![{}](performance/{}.svg)\n", plot.title, plot.name);
                let folder = directory.join("performance");
                std::fs::create_dir_all(&folder)?;
                plot.draw(&folder.join(format!("{}.svg", plot.name)))?;
            }
        }
        let _ = write!(made, "\n{END}{after}");
        std::fs::write(&page, made)?;
        Ok(())
    }
}

/// The most that something may be in a table, with its unit (` ms`), and whether it is met.
pub fn judged(value: f64, most: f64, digits: usize, unit: &str) -> String {
    let word = if value <= most { "met" } else { "missed" };
    format!("{most:.digits$}{unit}, {word}")
}
