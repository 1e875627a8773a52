//! Pages in a real browser: Debian's chromium, driven by its own chromedriver (`make chromium`).
//!
//! Where there is none a test says so in one line and is left out; in CI (`CI=true`) that is a failure.
//! With `DOORWARD_SHOTS=DIR` every picture that a test takes is written there, to be looked at.

mod driver;
mod studio;
mod tab;

use driver::Driver;
use tab::Tab;
