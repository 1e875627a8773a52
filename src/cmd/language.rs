//! The language of what commands say to people, chosen once at the start: `--lang`, or else the locale.
//!
//! What programs read (JSON, exit codes, the log, the API) has one language.

use std::sync::OnceLock;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use doorward::diagnostic::{Diagnostic, Style, render_in};
use doorward::lang::Lang;
use doorward::trace::{Summary, harmless};

use super::load;

/// A process runs one command, and every part of it says something.
static CHOSEN: OnceLock<Lang> = OnceLock::new();

/// Chooses, before the command runs.
pub fn choose(asked: Option<Lang>) {
    let _ = CHOSEN.set(asked.unwrap_or_else(|| Lang::of_locale(load::environment)));
}

/// The language that was chosen.
pub fn lang() -> Lang {
    CHOSEN.get().copied().unwrap_or(Lang::English)
}

/// How `--lang` is read.
pub fn parser() -> impl TypedValueParser<Value = Lang> {
    let words = Lang::ALL.iter().map(|lang| lang.as_str());
    PossibleValuesParser::new(words).map(|word| Lang::parse(&word).unwrap_or(Lang::English))
}

/// Mistakes for people, with colours; the stream drops them where they are not shown.
pub fn rendered(diagnostics: &[Diagnostic]) -> String {
    render_in(lang(), diagnostics, Style::Coloured)
}

/// The verdict and its reason or cause in words, below a trace, which has those of the API. Nothing in English, where they read alike.
pub fn verdict_line(lang: Lang, summary: &Summary) -> String {
    let Some(verdict) = summary.verdict.as_deref().filter(|_| lang != Lang::English) else { return String::new() };
    let Some(text) = lang.find(&format!("verdict.{verdict}")) else { return String::new() };
    let mut line = lang.fill("test.verdict", &[("text", &text), ("verdict", &verdict)]);
    if let Some(why) = &summary.detail {
        let known = ["reason", "cause"].into_iter().find_map(|kind| lang.find(&format!("{kind}.{why}")));
        line += &match known {
            Some(text) => lang.fill("test.why", &[("text", &text), ("why", &why)]),
            None => lang.fill("test.detail", &[("why", &harmless(why))]),
        };
    }
    format!("\n{line}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verdict_is_said_in_chinese_and_in_english_stands_in_the_trace_already() {
        let said = |lang, verdict: Option<&str>, detail: Option<&str>| {
            let summary = Summary {
                verdict: verdict.map(str::to_owned),
                detail: detail.map(str::to_owned),
                explain: String::new(),
                username: None,
                connector: "form".to_owned(),
                took_ms: 1.0,
                credential_sends: 0,
            };
            verdict_line(lang, &summary)
        };
        let line = |verdict, detail| said(Lang::Chinese, verdict, detail);
        assert_eq!(
            line(Some("reject"), Some("invalid_credentials")),
            "\n结论：拒绝（reject），用户名或密码错误（invalid_credentials）\n"
        );
        assert_eq!(line(Some("unavailable"), Some("timeout")), "\n结论：无法判断（unavailable），超时（timeout）\n");
        assert_eq!(line(Some("misconfigured"), Some("\u{1b}x")), "\n结论：配置有误（misconfigured），\\u{1b}x\n");
        assert_eq!(line(Some("accept"), None), "\n结论：通过（accept）\n");
        assert_eq!(line(None, None), "");
        assert_eq!(said(Lang::English, Some("accept"), None), "");
    }
}
