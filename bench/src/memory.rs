//! Memory of the machine and of this process, as Linux tells it.

use std::fs;
use std::path::Path;

/// Memory that this process may still take, and what bounds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Available {
    /// Bytes that can be taken without swapping or being killed.
    pub bytes: u64,
    /// What bounds them, for messages: `the machine` or `the control group`.
    pub bound_by: &'static str,
}

/// Memory that this process may still take: `MemAvailable`, or less where a control group (v1 or v2) allows less.
/// `None` where the system does not tell.
#[must_use]
pub fn available() -> Option<Available> {
    available_under(Path::new("/"))
}

fn available_under(root: &Path) -> Option<Available> {
    let machine = meminfo_under(root, "MemAvailable:")
        .map(|bytes| Available { bytes, bound_by: "the machine has available" });
    let group =
        control_group_headroom(root).map(|bytes| Available { bytes, bound_by: "the control group leaves" });
    machine.into_iter().chain(group).min_by_key(|available| available.bytes)
}

/// A line of `/proc/meminfo` in bytes, by its name with the colon.
#[must_use]
pub fn meminfo(name: &str) -> Option<u64> {
    meminfo_under(Path::new("/"), name)
}

fn meminfo_under(root: &Path, name: &str) -> Option<u64> {
    kib_line(&fs::read_to_string(root.join("proc/meminfo")).ok()?, name)
}

/// `name:   123 kB` of a `/proc` file, in bytes.
fn kib_line(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}

/// The least that any control group above this process leaves to it.
fn control_group_headroom(root: &Path) -> Option<u64> {
    let groups = fs::read_to_string(root.join("proc/self/cgroup")).ok()?;
    groups.lines().filter_map(|line| group_headroom(root, line)).min()
}

/// The headroom by one line of `/proc/self/cgroup`: `0::/path` (v2) or `4:memory:/path` (v1).
fn group_headroom(root: &Path, line: &str) -> Option<u64> {
    let mut parts = line.splitn(3, ':').skip(1);
    let (controllers, path) = (parts.next()?, parts.next()?);
    let (mount, limit, usage) = match controllers {
        "" => ("sys/fs/cgroup", "memory.max", "memory.current"),
        list if list.split(',').any(|controller| controller == "memory") => {
            ("sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes")
        }
        _ => return None,
    };
    let mount = root.join(mount);
    let group = mount.join(path.trim_start_matches('/'));
    // A limit of a parent binds too. Inside a container the path may name a group that is not mounted here; then
    // the mount's own root is the container's group.
    group
        .ancestors()
        .take_while(|folder| folder.starts_with(&mount))
        .filter_map(|folder| {
            let limit = number_in(&folder.join(limit))?;
            let usage = number_in(&folder.join(usage)).unwrap_or(0);
            let reclaimable = reclaimable_in(&folder.join("memory.stat"));
            Some(limit.saturating_sub(usage.saturating_sub(reclaimable)))
        })
        .min()
}

/// A file with one number; `None` also for `max`.
fn number_in(path: &Path) -> Option<u64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// Page cache that the kernel drops before it kills anyone.
fn reclaimable_in(stat: &Path) -> u64 {
    let text = fs::read_to_string(stat).unwrap_or_default();
    let value = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().parse::<u64>().ok()
    };
    value("total_inactive_file ").or_else(|| value("inactive_file ")).unwrap_or(0)
}

/// Starts a new measurement of peak memory. Where the kernel does not let us, the peak stays that of the process,
/// which in a process of its own is nearly the same.
pub fn reset_peak_rss() {
    // 5 = CLEAR_REFS_MM_HIWATER_RSS, see proc(5). Failing is harmless, as said above.
    let _ = fs::write("/proc/self/clear_refs", "5");
}

/// Peak resident memory in bytes since the last reset; `None` where the system does not tell.
#[must_use]
pub fn peak_rss() -> Option<u64> {
    kib_line(&fs::read_to_string("/proc/self/status").ok()?, "VmHWM:")
}

/// Resident memory in bytes now; `None` where the system does not tell.
#[must_use]
pub fn rss() -> Option<u64> {
    kib_line(&fs::read_to_string("/proc/self/status").ok()?, "VmRSS:")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TempDir;

    fn fake(files: &[(&str, &str)]) -> TempDir {
        let dir = TempDir::new("memory");
        for (path, text) in files {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        dir
    }

    const MEMINFO: (&str, &str) = ("proc/meminfo", "MemTotal: 2000 kB\nMemAvailable:    1000 kB\n");

    #[test]
    fn the_machine_bounds_where_no_group_does() {
        let dir = fake(&[MEMINFO, ("proc/self/cgroup", "0::/a\n"), ("sys/fs/cgroup/a/memory.max", "max\n")]);
        assert_eq!(available_under(dir.path()).unwrap().bytes, 1000 * 1024);
    }

    #[test]
    fn a_parent_group_bounds_less_what_is_used_and_not_reclaimable() {
        let dir = fake(&[
            MEMINFO,
            ("proc/self/cgroup", "1:cpu:/x\n0::/a/b\n"),
            ("sys/fs/cgroup/a/memory.max", "500000\n"),
            ("sys/fs/cgroup/a/memory.current", "300000\n"),
            ("sys/fs/cgroup/a/memory.stat", "anon 1\ninactive_file 100000\n"),
        ]);
        let available = available_under(dir.path()).unwrap();
        assert_eq!((available.bytes, available.bound_by), (300_000, "the control group leaves"));
    }

    #[test]
    fn version_1_groups_count_too() {
        let dir = fake(&[
            MEMINFO,
            ("proc/self/cgroup", "4:memory:/a\n"),
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "4096\n"),
        ]);
        assert_eq!(available_under(dir.path()).unwrap().bytes, 4096);
    }

    #[test]
    fn the_peak_covers_what_was_touched() {
        reset_peak_rss();
        let before = peak_rss();
        let touched = std::hint::black_box(vec![1_u8; 64 << 20]);
        let after = peak_rss();
        drop(touched);
        if let (Some(before), Some(after)) = (before, after) {
            assert!(after >= before.max(64 << 20));
        }
    }
}
