//! The files of examples/ for those who run the daemon, held against the repository: a Dockerfile that forgets a directory, or a
//! unit that names an option which is gone, would be found by a customer.
//!
//! No image is built here (there is no engine); what the build needs is worked out from the sources.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The instructions of a Dockerfile: name and arguments, continued lines joined.
fn instructions() -> Vec<(String, String)> {
    let text = read("examples/Dockerfile");
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#')).collect::<Vec<_>>().join("\n");
    let joined = lines.replace("\\\n", " ");
    let split = |line: &str| {
        let (name, arguments) = line.trim().split_once(' ').unwrap();
        (name.to_owned(), arguments.trim().to_owned())
    };
    joined.lines().filter(|line| !line.trim().is_empty()).map(split).collect()
}

fn all(name: &str) -> Vec<String> {
    instructions().into_iter().filter(|(known, _)| known == name).map(|(_, arguments)| arguments).collect()
}

/// The sources that a `COPY` takes from the repository.
fn copied() -> Vec<String> {
    let from_here = all("COPY").into_iter().filter(|arguments| !arguments.starts_with("--from"));
    from_here
        .flat_map(|arguments| {
            let words: Vec<String> = arguments.split_whitespace().map(str::to_owned).collect();
            words[..words.len() - 1].to_vec()
        })
        .collect()
}

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// The top of every path outside src/ that the sources put into the binary.
fn included() -> BTreeSet<String> {
    let mut files = Vec::new();
    sources(&root().join("src"), &mut files);
    let mut tops = BTreeSet::new();
    for file in files {
        let depth = file.strip_prefix(root()).unwrap().components().count() - 1;
        let text = std::fs::read_to_string(&file).unwrap();
        for mark in ["include_str!(", "include_bytes!("] {
            for (at, _) in text.match_indices(mark) {
                // The first text of the call, also within concat!.
                let Some(path) = text[at..].split('"').nth(1) else { continue };
                let above = path.matches("../").count();
                if above >= depth {
                    tops.insert(path.trim_start_matches("../").split('/').next().unwrap().to_owned());
                }
            }
        }
    }
    tops
}

#[test]
fn the_image_is_built_of_what_is_there() {
    let copied = copied();
    for source in &copied {
        assert!(root().join(source).exists(), "COPY {source}: there is no such file");
    }
    let included = included();
    assert!(included.contains("connectors") && included.contains("scripts"), "{included:?}");
    for needed in included.iter().map(String::as_str).chain(["Cargo.toml", "Cargo.lock", "src", "demo"]) {
        assert!(copied.iter().any(|source| source == needed), "the binary includes {needed}, which is not copied");
        let ignore = read("examples/Dockerfile.dockerignore");
        assert!(ignore.lines().any(|line| line == format!("!{needed}")), "{needed} is kept out of the build");
    }
    // The toolchain of the image is one that the manifest allows.
    let manifest: String = read("Cargo.toml");
    let least = manifest.lines().find_map(|line| line.strip_prefix("rust-version = ")).unwrap().trim_matches('"');
    let image = all("FROM")[0].clone();
    let version = image.split(':').nth(1).unwrap().split('-').next().unwrap();
    let number = |version: &str| -> Vec<u32> { version.split('.').map(|part| part.parse().unwrap()).collect() };
    assert!(number(version) >= number(least), "{image} is older than rust-version {least}");
}

#[test]
fn the_image_runs_the_daemon_as_nobody_in_particular() {
    let build = all("RUN").into_iter().find(|run| run.contains("cargo build")).unwrap();
    assert!(build.contains("--release") && build.contains("--locked") && build.contains("--bin doorward"), "{build}");
    let taken = all("COPY").into_iter().find(|arguments| arguments.starts_with("--from")).unwrap();
    let words: Vec<&str> = taken.split_whitespace().collect();
    assert_eq!(words[1], format!("{}/target/release/doorward", all("WORKDIR")[0]));
    let entry: Vec<String> = serde_json::from_str(&all("ENTRYPOINT")[0]).unwrap();
    assert_eq!(entry, [words[2]], "what is started is what was copied");
    let user = &all("USER")[0];
    assert!(user.parse::<u32>().is_ok_and(|id| id > 0), "USER {user}: a number, so that runAsNonRoot can be checked");
    assert!(all("RUN").iter().any(|run| run.contains(&format!("--uid {user} "))), "the user {user} exists");
    assert_eq!(all("STOPSIGNAL"), ["SIGTERM"]);
    // The command is one that this very program understands.
    let arguments: Vec<String> = serde_json::from_str(&all("CMD")[0]).unwrap();
    assert_eq!(arguments.last().unwrap(), "/etc/doorward/doorward.yaml");
    let done = Command::new(env!("CARGO_BIN_EXE_doorward")).args(&arguments).output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(done.status.code(), Some(4), "no configuration, and no mistake of usage: {said}");
    assert!(said.contains("/etc/doorward/doorward.yaml"), "{said}");
    // The port of the documents, of the sample configuration and of the image.
    let port = &all("EXPOSE")[0];
    assert!(read("examples/doorward.yaml").contains(&format!(":{port}\"")), "EXPOSE {port}");
}

/// The values of a key of the unit, in order.
fn unit(key: &str) -> Vec<String> {
    let text = read("examples/doorward.service");
    text.lines().filter_map(|line| line.strip_prefix(&format!("{key}=")).map(str::to_owned)).collect()
}

#[test]
fn the_unit_fits_the_daemon() {
    let start = unit("ExecStart")[0].clone();
    let (program, arguments) = start.split_once(' ').unwrap();
    assert_eq!(program, "/usr/bin/doorward");
    let done = Command::new(env!("CARGO_BIN_EXE_doorward")).args(arguments.split(' ')).output().unwrap();
    assert_eq!(done.status.code(), Some(4), "{}", String::from_utf8_lossy(&done.stderr));
    // Exit codes that trying again does not mend: what the daemon ends with above, and usage.
    assert_eq!(unit("RestartPreventExitStatus"), ["4 64"]);
    // Open logins may finish before systemd kills.
    let drain = doorward::config::Limits::default().drain.as_secs();
    let stop: u64 = unit("TimeoutStopSec")[0].trim_end_matches('s').parse().unwrap();
    assert!(stop > drain, "TimeoutStopSec={stop}s, limits.drain is {drain} s");
    // The directories that the unit makes are those of the sample configuration.
    let sample = read("examples/doorward.yaml");
    assert!(sample.contains(&format!("unix:/run/{}/", unit("RuntimeDirectory")[0])));
    // systemd puts its settings on one line each; a key written twice would override itself, except these.
    let mut keys = BTreeSet::new();
    for line in read("examples/doorward.service").lines().filter(|line| !line.starts_with('#')) {
        let Some((key, _)) = line.split_once('=') else { continue };
        assert!(keys.insert(key.to_owned()) || key == "SystemCallFilter", "{key} stands twice");
    }
}

/// systemd's own opinion, where it is installed.
#[test]
fn systemd_takes_the_unit_for_a_good_one() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("doorward.service");
    // `verify` wants the program to be there.
    let text = read("examples/doorward.service").replace("/usr/bin/doorward", env!("CARGO_BIN_EXE_doorward"));
    std::fs::write(&file, text).unwrap();
    let analyze = |arguments: &[&str]| Command::new("systemd-analyze").args(arguments).arg(&file).output();
    let Ok(verified) = analyze(&["verify", "--man=no"]) else {
        eprintln!("left out: systemd-analyze is not installed");
        return;
    };
    let said = String::from_utf8_lossy(&verified.stderr).into_owned();
    assert!(verified.status.success() && !said.contains("doorward.service"), "{said}");
    // Exposure in tenths, 0 to 100; an ordinary service has 96. What is left is that it uses the network.
    let exposed = analyze(&["security", "--offline=true", "--no-pager", "--threshold=20"]).unwrap();
    let said = String::from_utf8_lossy(&exposed.stdout).into_owned();
    assert!(exposed.status.success(), "{said}");
}

/// What systemd is told of accounts and directories is what the unit leans on.
#[test]
fn the_account_and_the_directories_are_those_of_the_unit() {
    let users = read("packaging/sysusers.d/doorward.conf");
    let (user, group) = (&unit("User")[0], &unit("Group")[0]);
    assert!(users.lines().any(|line| line.starts_with(&format!("u {user} "))), "{users}");
    assert!(users.lines().any(|line| line.starts_with(&format!("g {group} "))), "{users}");
    let directories = read("packaging/tmpfiles.d/doorward.conf");
    let readers = &unit("SupplementaryGroups")[0];
    assert!(directories.contains(&format!("d /etc/doorward             :2750 :root :{readers} ")), "{directories}");
    let (_, credentials) =
        unit("LoadCredential")[0].split_once(':').map(|(id, path)| (id.to_owned(), path.to_owned())).unwrap();
    assert!(directories.contains(&format!("d {credentials} :0700 :root :root ")), "{directories}");
    // Who may call must not read the configuration by that.
    assert_ne!(group, readers);
}

#[test]
fn the_probe_of_the_image_is_a_command_of_this_program() {
    let (_, probe) = instructions().into_iter().find(|(name, _)| name == "HEALTHCHECK").unwrap();
    let words: Vec<String> = serde_json::from_str(probe.split_once("CMD ").unwrap().1).unwrap();
    assert_eq!(words[0], "/usr/bin/doorward");
    let done = Command::new(env!("CARGO_BIN_EXE_doorward")).args(&words[1..]).output().unwrap();
    assert_eq!(done.status.code(), Some(4), "no configuration here, and no mistake of usage");
    assert_eq!(all("VOLUME"), ["/var/lib/doorward"], "where the audit trail outlives the container");
}

/// The configuration and the connectors that a manifest holds, with the secrets that it mounts.
fn loads_with_its_secrets(configuration: &str, secrets: &str) {
    let place = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("redis_url", "redis://:0123456789abcdef@redis:6379/0"),
        ("state_key", &"ab".repeat(32)),
        ("tls.crt", ""),
        ("tls.key", ""),
    ] {
        std::fs::write(place.path().join(name), text).unwrap();
    }
    let text = configuration
        .replace(&format!("{secrets}tls/"), secrets)
        .replace(&format!("{secrets}doorward/"), secrets)
        .replace(secrets, &format!("{}/", place.path().display()))
        .replace("sha256:PUT-A-HASH-HERE", &format!("sha256:{}", "0".repeat(64)));
    let path = place.path().join("doorward.yaml");
    std::fs::write(&path, text).unwrap();
    let loaded = doorward::config::load(&path, &|_| None);
    let told = doorward::diagnostic::render(&loaded.diagnostics, doorward::diagnostic::Style::Plain);
    assert_eq!(told, "");
    let config = loaded.config.unwrap();
    assert!(matches!(config.state, doorward::config::State::Redis { .. }), "two daemons share their challenges");
    assert!(config.audit.unwrap().file.starts_with("/var/lib/doorward"));
}

/// The text below `key: |` of a manifest.
fn literal(manifest: &str, key: &str) -> String {
    let (before, after) = manifest.split_once(&format!("{key}: |\n")).unwrap();
    let depth = before.rsplit('\n').next().unwrap().len() + 2;
    let inside = after.lines().take_while(|line| line.is_empty() || line.starts_with(&" ".repeat(depth)));
    inside.map(|line| line.get(depth..).unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_manifests_configure_loads() {
    loads_with_its_secrets(&read("examples/container/doorward.yaml"), "/run/secrets/");
    let kubernetes = read("examples/kubernetes.yaml");
    loads_with_its_secrets(&literal(&kubernetes, "doorward.yaml"), "/run/secrets/");
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("corp-4a.yaml");
    std::fs::write(&path, literal(&kubernetes, "corp-4a.yaml")).unwrap();
    let outcome = crate::support::loader::loader().load(&[path]).await.pop().unwrap();
    assert!(outcome.live.is_some() && outcome.diagnostics.is_empty());
    // Both refuse to start as they are: nobody gets in by a token that stands in an example.
    for text in [read("examples/container/doorward.yaml"), kubernetes] {
        assert_eq!(text.matches("token:").count(), text.matches("token: \"sha256:PUT-A-HASH-HERE\"").count());
    }
}
