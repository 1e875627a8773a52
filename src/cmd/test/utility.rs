//! The send test of a utility: no user to authenticate, no password, no verdict.

use std::process::ExitCode;

use doorward::api::reply;
use doorward::clock;
use doorward::connector::Live;
use doorward::flow::progress::Progress;
use doorward::flow::{Ports, Rehearsal, UtilityCall, UtilityEnd, utility};
use doorward::trace::{Trace, View, human};
use tokio::runtime::Runtime;

use super::{Options, given};
use crate::cmd::output::print;
use crate::cmd::{MISCONFIGURED, UNAVAILABLE};

/// Makes the call and shows it. 0: an extension, or a request that could be rendered; 1: the inputs are refused;
/// 3: unavailable; 4: misconfigured.
pub fn run(runtime: &Runtime, live: &Live, options: Options) -> anyhow::Result<ExitCode> {
    let inputs = given::attributes(&options.attributes, &live.connector)?;
    anyhow::ensure!(!options.password_stdin, "the connector {} is a utility: it takes no password", live.connector.id);
    anyhow::ensure!(
        options.answers.is_empty(),
        "the connector {} is a utility: it asks no question",
        live.connector.id
    );
    let call = UtilityCall {
        username: options.username,
        client_ip: options.client_ip,
        inputs,
        request_id: uuid::Uuid::new_v4().to_string(),
        deadline: None,
        trace: true,
    };
    let (progress, rehearsal) = (Progress::default(), Rehearsal::default());
    let mut ports = Ports::of(live, &clock::System, &progress);
    if options.render_only {
        ports.exchange = &rehearsal;
    }
    let report = runtime.block_on(utility(&live.connector, ports, call));
    let rehearsed = rehearsal.was_asked();
    let trace = Trace::of_utility(&report, View { reveal: options.reveal, rehearsed, credentials: &[] });
    print(&if options.json {
        format!("{:#}\n", trace.to_json(reply::utility_body(&report)))
    } else {
        human(&trace.rows())
    })?;
    Ok(if rehearsed { ExitCode::SUCCESS } else { ExitCode::from(exit_code(&report.end)) })
}

fn exit_code(end: &UtilityEnd) -> u8 {
    match end {
        UtilityEnd::Extension(_) => 0,
        UtilityEnd::Refused(_) | UtilityEnd::Limited { .. } => 1,
        UtilityEnd::Unavailable(_) => UNAVAILABLE,
        UtilityEnd::Misconfigured(_) => MISCONFIGURED,
    }
}
