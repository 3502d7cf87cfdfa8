//! `manifest.json`: what a measurement ran on, so that its figures can be judged and repeated.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::memory;
use crate::replace::replace;

/// Everything about a measurement that is not in its rows. What the system does not tell is `null`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The program and the machine: observations are only comparable where this is equal.
    pub identity: Identity,
    /// The command that repeats the measurement: that of the last session if there were several.
    pub command: String,
    /// Its options.
    pub options: serde_json::Value,
    /// Start of the first session that measured into this folder, UTC.
    pub started: String,
    /// End of the last one, UTC; `null` while it runs and if it was killed.
    pub ended: Option<String>,
}

/// The program and the machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The commit of the source folder, if it is a git checkout.
    pub commit: Option<String>,
    /// Whether the source differs from that commit; results are no source.
    pub dirty: Option<bool>,
    /// A hash of the program itself.
    pub program: Option<String>,
    /// `rustc --version`.
    pub compiler: String,
    /// The target triple.
    pub target: String,
    /// The profile that it was built with: `release` or `debug`.
    pub profile: String,
    /// The CPU's model name.
    pub cpu: Option<String>,
    /// Cores that this process may use.
    pub cores: usize,
    /// Memory of the machine.
    pub memory_bytes: Option<u64>,
    /// Operating system and kernel release.
    pub kernel: Option<String>,
    /// The setting of transparent huge pages: `always`, `madvise` or `never`.
    pub transparent_huge_pages: Option<String>,
    /// The option `--seed`.
    pub seed: u64,
}

impl Identity {
    /// Finds out about this program and machine. Runs git twice; takes some milliseconds.
    #[must_use]
    pub fn collect(seed: u64) -> Self {
        let source = Path::new(env!("CARGO_MANIFEST_DIR"));
        Self {
            commit: git(source, &["rev-parse", "HEAD"]),
            dirty: dirty(source),
            program: std::env::current_exe().ok().and_then(|path| fs::read(path).ok()).map(|b| hash(&b)),
            compiler: env!("INSTAR_COMPILER").to_owned(),
            target: env!("INSTAR_TARGET").to_owned(),
            profile: env!("INSTAR_PROFILE").to_owned(),
            cpu: cpu_model(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_bytes: memory::meminfo("MemTotal:"),
            kernel: kernel(),
            transparent_huge_pages: huge_pages(),
            seed,
        }
    }
}

impl Manifest {
    /// A manifest of a measurement that starts now.
    #[must_use]
    pub fn start(identity: Identity) -> Self {
        let (command, options) = (String::new(), serde_json::Value::Null);
        Self { identity, command, options, started: utc_now(), ended: None }
    }

    /// Notes what a session is about to measure.
    pub fn continue_with(&mut self, command: String, options: &impl Serialize) {
        self.command = command;
        self.options = serde_json::to_value(options).unwrap_or_default();
        self.ended = None;
    }

    /// Notes the end.
    pub fn end(&mut self) {
        self.ended = Some(utc_now());
    }

    /// Reads a manifest; `None` if there is none or it is not readable as one.
    #[must_use]
    pub fn read(path: &Path) -> Option<Self> {
        serde_json::from_str(&fs::read_to_string(path).ok()?).ok()
    }

    /// Writes the manifest anew.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        replace(path, text.as_bytes())
    }
}

fn git(folder: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").arg("-C").arg(folder).args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn dirty(source: &Path) -> Option<bool> {
    // The sweep itself writes into paper-results.
    let status = ["status", "--porcelain", "--untracked-files=no", "--", ":/", ":(top,exclude)paper-results"];
    git(source, &status).map(|changes| !changes.is_empty())
}

/// FNV-1a, which is enough to tell two builds apart.
fn hash(bytes: &[u8]) -> String {
    let mix = |hash: u64, &byte: &u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    format!("{:016x}", bytes.iter().fold(0xcbf2_9ce4_8422_2325, mix))
}

fn cpu_model() -> Option<String> {
    let text = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn kernel() -> Option<String> {
    let of = |name: &str| fs::read_to_string(format!("/proc/sys/kernel/{name}")).ok();
    Some(format!("{} {}", of("ostype")?.trim(), of("osrelease")?.trim()))
}

fn huge_pages() -> Option<String> {
    let text = fs::read_to_string("/sys/kernel/mm/transparent_hugepage/enabled").ok()?;
    Some(text.split_once('[')?.1.split_once(']')?.0.to_owned())
}

/// Now, as `2026-11-21T03:04:05Z`.
fn utc_now() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    utc(since.as_secs())
}

/// Seconds since 1970 as a date, by the civil-from-days algorithm (Hinnant, "chrono-compatible low-level date
/// algorithms"): years start in March, so that the leap day is the last of its year.
fn utc(seconds: u64) -> String {
    let days = seconds / 86_400 + 719_468;
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TempDir;

    #[test]
    fn dates() {
        assert_eq!(utc(0), "1970-01-01T00:00:00Z");
        assert_eq!(utc(951_782_399), "2000-02-28T23:59:59Z");
        assert_eq!(utc(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(utc(1_795_230_245), "2026-11-21T03:04:05Z");
    }

    #[test]
    fn outside_of_a_checkout_there_is_no_commit() {
        let dir = TempDir::new("no-checkout");
        assert_eq!(git(dir.path(), &["rev-parse", "HEAD"]), None);
        assert_eq!(dirty(dir.path()), None);
    }

    #[test]
    fn manifests_come_back_as_they_were() {
        let dir = TempDir::new("manifest");
        let path = dir.path().join("manifest.json");
        assert_eq!(Manifest::read(&path), None);
        let mut manifest = Manifest::start(Identity::collect(42));
        manifest.continue_with("instar sweep --quick".to_owned(), &["quick"]);
        manifest.end();
        manifest.write(&path).unwrap();
        assert_eq!(Manifest::read(&path), Some(manifest));
        fs::write(&path, "{\"half\":").unwrap();
        assert_eq!(Manifest::read(&path), None);
    }
}
