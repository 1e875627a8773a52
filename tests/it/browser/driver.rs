//! A chromedriver on a port of its own, and the browser that it starts.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};

use fantoccini::ClientBuilder;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};

use super::tab::Tab;

/// Loopback and nothing else is found, so that no page can load anything from elsewhere; the pipe ends the browser with its driver.
const ARGUMENTS: [&str; 10] = [
    "--headless=new",
    "--no-sandbox",
    "--remote-debugging-pipe",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--force-color-profile=srgb",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
];

/// How a browser looks at a page.
#[derive(Clone, Copy)]
pub struct Look {
    pub language: &'static str,
    pub dark: bool,
    pub width: u32,
    pub height: u32,
    /// 2.0 is a zoom of 200 %: half as many CSS pixels in the same window.
    pub zoom: f64,
}

impl Default for Look {
    fn default() -> Self {
        Self { language: "zh-CN", dark: false, width: 1440, height: 900, zoom: 1.0 }
    }
}

pub struct Driver {
    child: Child,
    port: u16,
}

impl Driver {
    /// `None`, with a line that says so, where there is no browser.
    pub fn start() -> Option<Self> {
        let mut command = Command::new("chromedriver");
        command.args(["--port=0", "--log-level=SEVERE"]).stdin(Stdio::null()).stdout(Stdio::piped());
        // A group of its own: what it starts ends with it.
        let spawned = command.stderr(Stdio::null()).process_group(0).spawn();
        let mut child = match spawned {
            Ok(child) => child,
            // In CI, too, until a run there has shown that chromium can be had.
            Err(error) => {
                eprintln!(
                    "chromedriver is not to be had ({error}): this test is left out; `make chromium` installs it"
                );
                return None;
            }
        };
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let port = lines.find_map(|line| {
            // The line before it says "on port 0".
            let port = line.rsplit_once("on port ")?.1.trim_end_matches('.').parse().ok();
            port.filter(|port: &u16| *port != 0)
        });
        std::thread::spawn(move || lines.for_each(drop));
        Some(Self { child, port: port.expect("chromedriver says its port") })
    }

    /// A browser with one tab.
    pub async fn tab(&self, look: Look) -> Tab {
        let Look { language, dark, width, height, zoom } = look;
        let mut arguments: Vec<String> = ARGUMENTS.map(str::to_owned).into();
        arguments.push(format!("--lang={language}"));
        arguments.push(format!("--accept-lang={language}"));
        let capabilities = json!({
            "browserName": "chrome",
            "goog:chromeOptions": { "args": arguments, "prefs": { "intl.accept_languages": language } },
            "goog:loggingPrefs": { "browser": "ALL" },
            "timeouts": { "script": 60_000, "pageLoad": 60_000 },
        });
        let Value::Object(capabilities) = capabilities else { unreachable!() };
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let client =
            builder.capabilities(capabilities).connect(&format!("http://127.0.0.1:{}", self.port)).await.unwrap();
        let tab = Tab::new(client);
        let viewport = |side: u32| (f64::from(side) / zoom).round();
        let metrics =
            json!({ "width": viewport(width), "height": viewport(height), "deviceScaleFactor": zoom, "mobile": false });
        tab.cdp("Emulation.setDeviceMetricsOverride", metrics).await;
        let scheme = if dark { "dark" } else { "light" };
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }, { "name": "prefers-reduced-motion", "value": "reduce" }]);
        tab.cdp("Emulation.setEmulatedMedia", json!({ "features": features })).await;
        tab
    }
}

/// No test leaves a browser behind, whether it passes or not.
impl Drop for Driver {
    fn drop(&mut self) {
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
        let _ = self.child.wait();
    }
}
