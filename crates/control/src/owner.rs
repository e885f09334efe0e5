//! Who a process is in leases and jobs, and whether it is known to be gone.
//!
//! An owner's name says where its process number means something (this boot of this machine, this namespace of numbers) and when the
//! process started, so that another process of the same machine may ask the kernel about it. Of owners elsewhere nothing is known:
//! they count as alive until their time runs out.

use rustix::{
    io::Errno,
    process::{Pid, test_kill_process},
};

/// A name for this process: number, namespace, boot and start, and something no other has.
pub(crate) fn name() -> String {
    let id = std::process::id();
    let random = uuid::Uuid::new_v4().simple();
    match (namespace(), start_mark(id)) {
        (Some(namespace), Some(mark)) => format!("{id}/{namespace}/{mark}/{random}"),
        // A system that does not tell.
        _ => format!("{id}/{random}"),
    }
}

/// Whether the process of this name certainly runs no more. `false` where that cannot be known.
pub(crate) fn is_gone(owner: &str) -> bool {
    let parts: Vec<&str> = owner.split('/').collect();
    let [id, theirs, mark, _] = parts[..] else { return false };
    let (Ok(id), Some(boot)) = (id.parse::<u32>(), boot()) else { return false };
    let is_here = mark.split_once(':').is_some_and(|(of, _)| of == boot) && namespace().as_deref() == Some(theirs);
    let Some(number) = i32::try_from(id).ok().and_then(Pid::from_raw).filter(|_| is_here) else { return false };
    // Asked of the kernel itself: the process's folder may be hidden from other users.
    if test_kill_process(number) == Err(Errno::SRCH) {
        return true;
    }
    // A process that ended and waits for its parent does nothing any more; a number may have been given to another process.
    stat(id).is_some_and(|stat| stat.is_over) || start_mark(id).is_some_and(|now| now != mark)
}

/// What no other process of this machine ever had: boot, and clock ticks from it to the start. `None` where the system does not tell.
pub fn start_mark(process: u32) -> Option<String> {
    Some(format!("{}:{}", boot()?, stat(process)?.started))
}

struct Stat {
    is_over: bool,
    /// Clock ticks since the boot.
    started: u64,
}

fn stat(process: u32) -> Option<Stat> {
    let line = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name stands in brackets and may hold anything; after it come the state and, as the 20th, the start.
    let mut fields = line.rsplit_once(')')?.1.split_ascii_whitespace();
    let is_over = matches!(fields.next()?, "Z" | "X" | "x");
    Some(Stat { is_over, started: fields.nth(18)?.parse().ok()? })
}

fn boot() -> Option<String> {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok().map(|id| id.trim().to_owned())
}

/// The namespace of process numbers, as `pid:[4026531836]`: containers of one machine have their own.
fn namespace() -> Option<String> {
    std::fs::read_link("/proc/self/ns/pid").ok()?.into_os_string().into_string().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name_of(process: u32) -> String {
        let mark = start_mark(process).expect("Linux");
        format!("{process}/{}/{mark}/0", namespace().expect("Linux"))
    }

    #[test]
    fn a_process_is_gone_once_it_ended_and_not_before() {
        assert!(!is_gone(&name()));
        let mut child = std::process::Command::new("sleep").arg("600").spawn().expect("sleep runs");
        let owner = name_of(child.id());
        assert!(!is_gone(&owner));
        child.kill().expect("killed");
        // Nobody waited for it yet: it is a zombie as soon as the kernel is done with it.
        while !is_gone(&owner) {
            std::thread::yield_now();
        }
        child.wait().expect("collected");
        assert!(is_gone(&owner));
    }

    #[test]
    fn a_number_given_again_is_not_the_same_process_and_elsewhere_nothing_is_known() {
        let own = name();
        let parts: Vec<&str> = own.split('/').collect();
        let (boot, start) = parts[2].split_once(':').expect("a mark");
        let another_start = format!("{}/{}/{boot}:{}/x", parts[0], parts[1], start.parse::<u64>().expect("ticks") + 1);
        assert!(is_gone(&another_start), "this number is this process's now");
        for elsewhere in [
            format!("{}/pid:[1]/{boot}:1/x", parts[0]),
            format!("{}/{}/another-boot:1/x", parts[0], parts[1]),
            // As it was written before, and nonsense.
            format!("{}:0123", parts[0]),
            "////".to_owned(),
            String::new(),
        ] {
            assert!(!is_gone(&elsewhere), "{elsewhere}");
        }
    }
}
