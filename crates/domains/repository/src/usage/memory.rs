//! How much of the memory is taken.

/// Percent of the memory that is taken, 0 to 100: of the machine, or of this process's control group where that is tighter. `None` where the system does
/// not tell.
pub fn memory_percent() -> Option<f64> {
    let machine = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| of_machine(&text));
    let read = |name: &str| std::fs::read_to_string(format!("/sys/fs/cgroup/{name}")).ok();
    let group = read("memory.max").zip(read("memory.current")).and_then(|(most, now)| of_group(&most, &now));
    [machine, group].into_iter().flatten().reduce(f64::max)
}

fn of_machine(meminfo: &str) -> Option<f64> {
    let kilobytes = |name: &str| {
        let line = meminfo.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        line.split_whitespace().next()?.parse::<f64>().ok()
    };
    share(kilobytes("MemTotal")?, kilobytes("MemAvailable")?)
}

/// A group without a limit says `max`.
fn of_group(most: &str, now: &str) -> Option<f64> {
    let (most, now) = (most.trim().parse::<f64>().ok()?, now.trim().parse::<f64>().ok()?);
    share(most, most - now)
}

fn share(total: f64, free: f64) -> Option<f64> {
    (total > 0.0).then(|| (100.0 * (total - free) / total).clamp(0.0, 100.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_is_what_is_not_available() {
        assert_eq!(of_machine("MemTotal:  1000 kB\nMemFree: 10 kB\nMemAvailable:   250 kB\n"), Some(75.0));
        assert_eq!(of_machine("nothing"), None);
        assert_eq!(of_group("2000\n", "500\n"), Some(25.0));
        assert_eq!(of_group("max\n", "500\n"), None);
    }
}
