//! What the kernel says of a process: whether it lives, since when, by which command.

use rustix::process::{PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal};
use sysinfo::{Pid, ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, System, UpdateKind};

/// A process as the kernel lists it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Seconds since 1970 at which it started.
    pub started: i64,
    /// What no other process of this machine ever had: boot and clock ticks from it to the start. `None` where the system does not tell.
    pub mark: Option<String>,
    pub command: String,
}

/// Looks a process up. One that ended and waits to be collected by its parent (a zombie) is no process any more.
pub fn look(pid: u32) -> Option<Seen> {
    let number = Pid::from_u32(pid);
    let mut system = System::new();
    let kind = ProcessRefreshKind::nothing().with_cmd(UpdateKind::Always).without_tasks();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[number]), true, kind);
    let process = system.process(number)?;
    if matches!(process.status(), ProcessStatus::Zombie | ProcessStatus::Dead) {
        return None;
    }
    let words: Vec<String> = process.cmd().iter().map(|word| word.to_string_lossy().into_owned()).collect();
    Some(Seen {
        started: i64::try_from(process.start_time()).unwrap_or(i64::MAX),
        mark: tallykeep_control::start_mark(pid),
        command: if words.is_empty() { process.name().to_string_lossy().into_owned() } else { words.join(" ") },
    })
}

/// Sends a signal to a process that still passes `is_it`. Answers whether it was sent: `false` means the process is gone.
///
/// The process is held by a descriptor before it is looked at, so that the signal cannot reach a later owner of the number.
pub fn signal(pid: u32, signal: Signal, is_it: impl Fn(&Seen) -> bool) -> std::io::Result<bool> {
    let Some(raw) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw) else { return Ok(false) };
    let held = match pidfd_open(raw, PidfdFlags::empty()) {
        Ok(held) => Some(held),
        Err(rustix::io::Errno::SRCH) => return Ok(false),
        // Kernels without process descriptors.
        Err(_) => None,
    };
    if !look(pid).is_some_and(|seen| is_it(&seen)) {
        return Ok(false);
    }
    let sent = match held {
        Some(held) => pidfd_send_signal(held, signal),
        None => kill_process(raw, signal),
    };
    match sent {
        Ok(()) => Ok(true),
        Err(rustix::io::Errno::SRCH) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_seen_as_the_kernel_lists_it() {
        let seen = look(std::process::id()).expect("this process lives");
        let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
        let ticks = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(19)).expect("a start");
        assert!(seen.mark.expect("Linux").ends_with(&format!(":{ticks}")));
        assert!(seen.command.contains("tallykeep"), "{}", seen.command);
    }

    #[test]
    fn a_zombie_is_no_process() {
        let mut child = std::process::Command::new("true").spawn().expect("true runs");
        // Nobody waits for the child, so once it ended it stays a zombie; `wait` afterwards collects it.
        let stat = format!("/proc/{}/stat", child.id());
        while !std::fs::read_to_string(&stat).expect("listed").contains(") Z") {
            std::thread::yield_now();
        }
        assert_eq!(look(child.id()), None);
        child.wait().expect("collected");
    }
}
