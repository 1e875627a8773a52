//! `doorward pin URL`: the SPKI pin of a server, to compare with its owner's and to paste.
//!
//! It shows what the server presents; whether that is the right server is for a person to decide.

use std::process::ExitCode;
use std::time::Duration;

use crate::cmd::output::print;
use anyhow::Context as _;
use doorward::upstream::{Origin, ServerCertificate, pin_text, present};

/// Long enough for a slow link, short enough for a person who waits.
const WITHIN: Duration = Duration::from_secs(10);

/// Asks the server behind `url` and prints its pin. Exit code 3 when it cannot be reached.
///
/// # Errors
/// A URL that is none; a runtime that cannot start.
pub fn run(url: &str) -> anyhow::Result<ExitCode> {
    let with_scheme = if url.contains("://") { url.to_owned() } else { format!("https://{url}") };
    let origin = Origin::parse(&with_scheme).with_context(|| format!("{url} is not the URL of a server"))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match runtime.block_on(present(&origin, WITHIN)) {
        Ok(presented) => {
            print(&text(&origin, &presented))?;
            Ok(ExitCode::SUCCESS)
        }
        Err(fault) => {
            anstream::eprintln!("{}", fault.explain);
            Ok(ExitCode::from(3))
        }
    }
}

fn text(origin: &Origin, presented: &ServerCertificate) -> String {
    let trusted = match &presented.trusted {
        Ok(()) => "yes, by this machine's roots".to_owned(),
        Err(why) => format!("no: {why}"),
    };
    format!(
        "server   {origin}\nsubject  {}\nissuer   {}\nnames    {}\nvalid    {}\ntrusted  {trusted}\n\n\
         Compare the pin with what the server's owner says, then paste:\n\n\
         transport:\n  tls:\n    pin_sha256: [ \"{}\" ]\n",
        presented.subject,
        presented.issuer,
        presented.names.join(", "),
        presented.valid,
        pin_text(&presented.pin),
    )
}
