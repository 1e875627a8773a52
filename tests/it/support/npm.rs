//! What others wrote, taken from npm when a test runs: a pinned version, whose SHA-512 the test checks, kept under
//! target/.
//!
//! Where a package cannot be had the test says so in one line and is left out; in CI (`CI=true`) that is a failure.

use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha512};

/// A version of a package, with the hash that `npm view NAME dist.integrity` prints behind `sha512-`.
pub struct Package {
    pub name: &'static str,
    pub version: &'static str,
    pub sha512: &'static str,
}

pub const CRYPTO_JS: Package = Package {
    name: "crypto-js",
    version: "4.2.0",
    sha512: "KALDyEYgpY+Rlob/iriUtjV6d5Eq+Y191A5g4UqLAi8CyGP9N1+FdVbkc1SxKc2r4YAYqG8JzO2KGL+AizD70Q==",
};

pub const AXE_CORE: Package = Package {
    name: "axe-core",
    version: "4.14.1",
    sha512: "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==",
};

/// A file of a package as text; `None`, with a line that says so, where there is no npm or no registry.
pub fn file(package: &Package, path: &str) -> Option<String> {
    let archive = match archive(package) {
        Ok(archive) => archive,
        Err(why) if std::env::var_os("CI").is_none() => {
            eprintln!("{} is not to be had from npm ({why}): this test is left out", package.name);
            return None;
        }
        Err(why) => panic!("{} is not to be had from npm: {why}", package.name),
    };
    let file = run(Command::new("tar").arg("-xzOf").arg(archive).arg(format!("package/{path}"))).unwrap();
    Some(String::from_utf8(file).unwrap())
}

/// The archive, fetched if it is not there yet. A file with another hash is fetched anew, and never used.
fn archive(package: &Package) -> Result<PathBuf, String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("npm");
    let archive = folder.join(format!("{}-{}.tgz", package.name, package.version));
    let hash = || std::fs::read(&archive).ok().map(|bytes| STANDARD.encode(Sha512::digest(bytes)));
    if hash().as_deref() == Some(package.sha512) {
        return Ok(archive);
    }
    std::fs::create_dir_all(&folder).unwrap();
    // Another process may fetch the same: each into a folder of its own, and renamed when it is whole.
    let own = tempfile::tempdir_in(&folder).unwrap();
    let wanted = format!("{}@{}", package.name, package.version);
    let mut npm = Command::new("npm");
    run(npm.args(["pack", &wanted, "--silent", "--pack-destination"]).arg(own.path()).current_dir(own.path()))?;
    std::fs::rename(own.path().join(archive.file_name().unwrap()), &archive).map_err(|error| error.to_string())?;
    assert_eq!(hash().as_deref(), Some(package.sha512), "{wanted} is not the package that was pinned");
    Ok(archive)
}

fn run(command: &mut Command) -> Result<Vec<u8>, String> {
    let output = command.output().map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or_default().to_owned();
    if output.status.success() { Ok(output.stdout) } else { Err(said) }
}
