//! What the operating system knows of this process: processor time, memory, open files.
//!
//! Read from `/proc`, where there is one; elsewhere the metrics are absent and not invented.

use std::fs;

/// Clock ticks a second in `/proc`: fixed by Linux' interface to programs, whatever the kernel's own.
const TICKS: f64 = 100.0;

/// Readings of this process.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Process {
    /// Seconds of processor time, by user code and by the kernel.
    pub(crate) cpu_seconds: f64,
    /// Bytes of memory that are really there.
    pub(crate) resident_bytes: f64,
    /// Bytes of address space.
    pub(crate) virtual_bytes: f64,
    /// When it started, in seconds since the epoch.
    pub(crate) start_seconds: f64,
    /// How many files are open.
    pub(crate) open_fds: f64,
    /// How many files may be open.
    pub(crate) max_fds: f64,
    /// How many threads it has.
    pub(crate) threads: f64,
}

impl Process {
    /// The readings of now; `None` where the system does not tell.
    pub(crate) fn read() -> Option<Self> {
        let stat = fs::read_to_string("/proc/self/stat").ok()?;
        let status = fs::read_to_string("/proc/self/status").ok()?;
        let boot = fs::read_to_string("/proc/stat").ok()?;
        let limits = fs::read_to_string("/proc/self/limits").ok()?;
        let open_fds = fs::read_dir("/proc/self/fd").ok()?.count() as f64;
        // Reading the directory opens one more.
        let process = Self::parse(&stat, &status, &boot, &limits)?;
        Some(Self { open_fds: (open_fds - 1.0).max(0.0), ..process })
    }

    fn parse(stat: &str, status: &str, boot: &str, limits: &str) -> Option<Self> {
        // The second field is the program's name in parentheses and may hold anything.
        let (_, fields) = stat.rsplit_once(") ")?;
        let fields: Vec<&str> = fields.split(' ').collect();
        let field = |number: usize| fields.get(number - 3)?.parse::<f64>().ok();
        let boot_time = line(boot, "btime ")?;
        let max_fds = line(limits, "Max open files").unwrap_or(f64::INFINITY);
        Some(Self {
            cpu_seconds: (field(14)? + field(15)?) / TICKS,
            resident_bytes: line(status, "VmRSS:")? * 1024.0,
            virtual_bytes: field(23)?,
            start_seconds: boot_time + field(22)? / TICKS,
            open_fds: 0.0,
            max_fds,
            threads: field(20)?,
        })
    }
}

/// The first number of the line that starts with `name`.
fn line(text: &str, name: &str) -> Option<f64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    rest.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::Process;

    #[test]
    fn readings_are_taken_from_the_right_fields() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 9 0 0 0 250 50 0 0 20 0 5 0 1000 8192 300 0";
        let status = "Name:\ta\nVmSize:\t 8 kB\nVmRSS:\t      12 kB\n";
        let limits =
            "Limit  Soft Limit\nMax open files            1024                 4096   files\n";
        let process = Process::parse(stat, status, "cpu 1\nbtime 1700000000\n", limits);
        let expected = Process {
            cpu_seconds: 3.0,
            resident_bytes: 12_288.0,
            virtual_bytes: 8192.0,
            start_seconds: 1_700_000_010.0,
            open_fds: 0.0,
            max_fds: 1024.0,
            threads: 5.0,
        };
        assert_eq!(process, Some(expected));
        assert_eq!(Process::parse("", "", "", ""), None);
    }
}
