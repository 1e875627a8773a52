//! `make bench`: what Doorward costs, beside what the same costs elsewhere, in one run on one machine.
//!
//! Figures of CPU time are of the whole process tree. Nothing here fails because a machine is slow: a goal that is missed
//! is printed as missed. With `--quick` there is less of everything.

mod cpu;
mod fleet;
mod load;
mod logins;
mod programs;
mod upstream;

use anyhow::Result;

fn main() -> Result<()> {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let size =
        if quick { logins::Size { rounds: 3, logins: 4_000 } } else { logins::Size { rounds: 11, logins: 16_000 } };
    logins::measure(size)?;
    println!();
    fleet::check(if quick { 3 } else { 7 })?;
    fleet::start(if quick { 3 } else { 11 })
}
