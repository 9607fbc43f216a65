//! What the kernel knows of processes: their time, their memory, their system calls.

use std::fs;
use std::path::Path;

/// Microseconds on the processor, of a process alone and of all below it too.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Time {
    pub(crate) alone: f64,
    pub(crate) tree: f64,
}

/// A process, and those below it that last as long as it does.
pub(crate) struct Tree(Vec<u32>);

impl Tree {
    pub(crate) fn of(root: u32) -> Self {
        let parents: Vec<(u32, u32)> = fs::read_dir("/proc")
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter_map(|pid| Some((pid, stat(pid)?.parent)))
            .collect();
        let mut tree = vec![root];
        let mut at = 0;
        while let Some(parent) = tree.get(at).copied() {
            let children = parents.iter().filter(|(_, their)| *their == parent);
            tree.extend(children.map(|(pid, _)| *pid));
            at += 1;
        }
        Self(tree)
    }

    pub(crate) fn time(&self) -> Time {
        let times: Vec<f64> = self.0.iter().map(|pid| run_time(*pid)).collect();
        // Those that have come and gone are counted with who waited for them.
        let gone: f64 =
            self.0.iter().filter_map(|pid| stat(*pid)).map(|stat| stat.waited_for).sum();
        Time {
            alone: times.first().copied().unwrap_or(0.0),
            tree: times.iter().sum::<f64>() + gone,
        }
    }
}

struct Stat {
    parent: u32,
    /// Microseconds of ended children.
    waited_for: f64,
}

fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // `pid (name) state parent …`, where the name may hold anything.
    let (_, rest) = text.rsplit_once(") ")?;
    let words: Vec<&str> = rest.split(' ').collect();
    let ticks: f64 =
        [words.get(13)?, words.get(14)?].iter().filter_map(|word| word.parse::<f64>().ok()).sum();
    // Linux says it to programs in hundredths of a second, whatever its own clock is.
    Some(Stat { parent: words.get(1)?.parse().ok()?, waited_for: ticks * 10_000.0 })
}

/// Microseconds of all threads, counted by the scheduler to the nanosecond; `stat` has only hundredths of
/// a second, of which a round takes a few.
fn run_time(pid: u32) -> f64 {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let one = |task: fs::DirEntry| {
        let text = fs::read_to_string(task.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<f64>().ok()
    };
    tasks.filter_map(one).sum::<f64>() / 1_000.0
}

/// Resident memory now, in KiB, added up page by page: the counters of `status` lag behind.
pub(crate) fn resident_kib(pid: u32) -> Option<u64> {
    field(&format!("/proc/{pid}/smaps_rollup"), "Rss:")
}

/// The most that was resident since it was last forgotten, in KiB.
pub(crate) fn peak_kib(pid: u32) -> Option<u64> {
    field(&format!("/proc/{pid}/status"), "VmHWM:")
}

pub(crate) fn forget_peak(pid: u32) -> Result<(), String> {
    let file = format!("/proc/{pid}/clear_refs");
    fs::write(&file, "5").map_err(|error| format!("{file}: {error}"))
}

fn field(file: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

/// All system calls in a table of `strace -c`, once it is whole.
pub(crate) fn strace_total(file: &Path) -> Option<u64> {
    total(&fs::read_to_string(file).ok()?)
}

fn total(table: &str) -> Option<u64> {
    let row = table.lines().find(|line| line.ends_with(" total"))?;
    row.split_whitespace().nth(3)?.parse().ok()
}

/// The machine in a line: processor, cores, kernel.
pub(crate) fn machine() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name"));
    let model = model.map_or("unknown processor", |rest| rest.trim_start_matches([' ', '\t', ':']));
    let cores = cpu.lines().filter(|line| line.starts_with("processor")).count();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    // What follows the version is the distributor's own.
    let kernel = kernel.trim().split('-').next().unwrap_or_default().to_owned();
    format!("{model}, {cores} cores, Linux {kernel}")
}

/// A bench has no tests that are run beside it, so this is looked at before it starts.
pub(crate) fn check() {
    const TABLE: &str = "\
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 23.39    0.051828          14      3602           sendto
100.00    0.221553           9     23446        12 total
";
    assert_eq!(total(TABLE), Some(23_446));
    assert_eq!(total("% time     seconds  usecs/call     calls    errors syscall\n"), None);
}
