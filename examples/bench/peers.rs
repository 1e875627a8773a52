//! What others do the same login with: nginx with njs, nginx with Lua, Node.js, FreeRADIUS. One that cannot be had is left
//! out with a line. Their files are below `peers/`.

use std::fmt::Write as _;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::Size;
use super::load::Target;
use super::programs::{Program, first_line};
use super::subject::Subject;

/// Longer than any of them takes to start on a busy machine.
const START: Duration = Duration::from_secs(30);

pub struct Peer {
    name: &'static str,
    program: Program,
    radius: bool,
}

impl Peer {
    pub fn subject(&self) -> Subject {
        if self.radius {
            return Subject::at(self.name, &self.program, Target::radius(self.program.address));
        }
        Subject::new(self.name, &self.program, "/login")
    }
}

#[derive(Default)]
pub struct Peers {
    pub running: Vec<Peer>,
    /// A line each.
    pub left_out: Vec<String>,
}

/// All that can be had; of a quick run the first.
pub fn start(upstream: SocketAddr, size: Size) -> Result<Peers> {
    type Start = fn(SocketAddr) -> Result<Result<Program, &'static str>>;
    let all: [(&'static str, Start); 4] = [
        ("nginx with njs", |upstream| nginx(upstream, &NJS)),
        ("nginx with Lua", |upstream| nginx(upstream, &LUA)),
        ("Node.js, fastify and undici", node),
        ("FreeRADIUS with rlm_rest", freeradius),
    ];
    let mut peers = Peers::default();
    for (name, start) in all.into_iter().take(if size.quick { 1 } else { 4 }) {
        match start(upstream)? {
            Ok(program) => peers.running.push(Peer { name, program, radius: name.starts_with("FreeRADIUS") }),
            Err(why) => peers.left_out.push(format!("{name} is left out: {why}.")),
        }
    }
    Ok(peers)
}

/// What differs between the modules of nginx.
struct Module {
    load: &'static str,
    /// In `http`.
    setting: &'static str,
    /// In `location = /login`.
    login: &'static str,
    script: (&'static str, &'static str),
    missing: &'static str,
}

const NJS: Module = Module {
    load: "ngx_http_js_module.so",
    setting: "js_path AT; js_import login from login.js;",
    login: "js_content login.login;",
    script: ("login.js", include_str!("peers/nginx/login.js")),
    missing: "libnginx-mod-http-js cannot be had here",
};

const LUA: Module = Module {
    load: "ndk_http_module.so ngx_http_lua_module.so",
    setting: "",
    login: "content_by_lua_file AT/login.lua;",
    script: ("login.lua", include_str!("peers/nginx/login.lua")),
    missing: "libnginx-mod-http-lua or lua-cjson cannot be had here",
};

fn nginx(upstream: SocketAddr, module: &Module) -> Result<Result<Program, &'static str>> {
    let modules: Vec<String> = module.load.split(' ').map(|name| format!("/usr/lib/nginx/modules/{name}")).collect();
    let lacks_cjson = module.script.0.ends_with("lua") && !has_cjson();
    if modules.iter().any(|path| !Path::new(path).exists()) || lacks_cjson {
        return Ok(Err(module.missing));
    }
    let home = tempfile::tempdir()?;
    let at = home.path().display().to_string();
    let address = free()?;
    let mut config = String::new();
    for path in modules {
        let _ = writeln!(config, "load_module {path};");
    }
    let (setting, login) = (module.setting.replace("AT", &at), module.login.replace("AT", &at));
    let _ = write!(
        config,
        "daemon off;\nworker_processes auto;\npid {at}/pid;\nerror_log {at}/error.log;\n\
         events {{ worker_connections 1024; }}\n\
         http {{
           access_log off;
           client_body_temp_path {at}/body; proxy_temp_path {at}/proxy; fastcgi_temp_path {at}/fastcgi;
           uwsgi_temp_path {at}/uwsgi; scgi_temp_path {at}/scgi;
           {setting}
           keepalive_requests 100000000;
           upstream foura {{ server {upstream}; keepalive 64; keepalive_requests 100000000; }}
           server {{
             listen {address};
             location = /login {{ {login} }}
             location = /foura {{
               internal; proxy_pass http://foura/api/login; proxy_http_version 1.1;
               proxy_set_header Connection \"\"; proxy_set_header Content-Type application/json;
             }}
           }}
         }}"
    );
    std::fs::write(home.path().join("nginx.conf"), config)?;
    std::fs::write(home.path().join(module.script.0), module.script.1)?;
    let mut command = Command::new("nginx");
    command.arg("-p").arg(home.path()).arg("-c").arg(home.path().join("nginx.conf"));
    let log = home.path().join("error.log");
    let program = Program::start(&mut command, address, home)?;
    wait(program, &log, || TcpStream::connect(address).is_ok()).map(Ok)
}

fn has_cjson() -> bool {
    let script = "for p in /usr/share/lua/5.1/cjson/safe.lua /usr/share/lua/5.1/cjson /usr/lib/*/lua/5.1/cjson.so; do \
                  [ -e \"$p\" ] && exit 0; done; exit 1";
    Command::new("sh").args(["-c", script]).status().is_ok_and(|status| status.success())
}

fn node(upstream: SocketAddr) -> Result<Result<Program, &'static str>> {
    // Beside the programs, so that the packages are fetched once.
    let home = std::env::current_exe()?.parent().context("no directory")?.join("peer-node");
    std::fs::create_dir_all(&home)?;
    for (name, text) in [
        ("package.json", include_str!("peers/node/package.json")),
        ("package-lock.json", include_str!("peers/node/package-lock.json")),
        ("server.js", include_str!("peers/node/server.js")),
    ] {
        std::fs::write(home.join(name), text)?;
    }
    if !home.join("node_modules").exists() {
        let mut npm = Command::new("npm");
        npm.args(["ci", "--silent", "--no-audit", "--no-fund"]).current_dir(&home);
        if !npm.stderr(Stdio::null()).status().is_ok_and(|status| status.success()) {
            return Ok(Err("fastify and undici cannot be had from npm here"));
        }
    }
    let mut command = Command::new("node");
    command.arg("server.js").arg(format!("http://{upstream}")).current_dir(&home);
    first_line(&mut command).map(Ok)
}

fn freeradius(upstream: SocketAddr) -> Result<Result<Program, &'static str>> {
    if !Path::new("/usr/lib/freeradius/rlm_rest.so").exists() {
        return Ok(Err("freeradius-rest cannot be had here"));
    }
    let home = tempfile::tempdir()?;
    let at = home.path().display().to_string();
    let address = UdpSocket::bind(("127.0.0.1", 0))?.local_addr()?;
    let config = include_str!("peers/freeradius/radiusd.conf");
    let config = config.replace("UPSTREAM", &upstream.to_string()).replace("PORT", &address.port().to_string());
    std::fs::write(home.path().join("radiusd.conf"), config.replace("= AT", &format!("= {at}")))?;
    let log = home.path().join("radius.log");
    let mut command = Command::new("freeradius");
    command.args(["-f", "-d"]).arg(home.path()).stdout(Stdio::null());
    let program = Program::start(&mut command, address, home)?;
    let ready = || std::fs::read_to_string(&log).is_ok_and(|text| text.contains("Ready to process requests"));
    wait(program, &log, ready).map(Ok)
}

/// A port that was free a moment ago. Nobody else takes it on a machine that benches.
fn free() -> Result<SocketAddr> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?)
}

fn wait(mut program: Program, log: &Path, ready: impl Fn() -> bool) -> Result<Program> {
    let begun = Instant::now();
    while !ready() {
        if begun.elapsed() > START || program.has_ended() {
            bail!("a peer does not start: {}", std::fs::read_to_string(log).unwrap_or_default());
        }
        thread::park_timeout(Duration::from_millis(5));
    }
    Ok(program)
}
