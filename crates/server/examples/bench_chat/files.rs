//! The generated files: the same every time.

use std::{
    io::{BufWriter, Write},
    path::Path,
};

use crate::Outcome;

/// Two years of sessions of ten messages each; 20 bots, 5 platforms, a tag on 5 % of messages, a trace per bot turn of every tenth session.
pub fn write_files(folder: &Path, messages: u64) -> Outcome<u64> {
    let sessions = messages / 10;
    let people = (sessions / 5).max(1);
    let open = |name: &str| -> Outcome<BufWriter<std::fs::File>> {
        Ok(BufWriter::with_capacity(1 << 20, std::fs::File::create(folder.join(format!("{name}.csv")))?))
    };
    std::fs::write(folder.join("teams.csv"), "id,slug\n1,bench\n")?;
    let platforms = ["web", "telegram", "whatsapp", "slack", "embedded_widget"];
    let mut file = open("experiments")?;
    writeln!(file, "id,team_id,name,is_archived,working_version_id")?;
    for id in 1..=20 {
        writeln!(file, "{id},1,Bot {id},{},", id == 20)?;
    }
    let mut file = open("channels")?;
    writeln!(file, "id,team_id,experiment_id,platform,deleted")?;
    for (index, platform) in platforms.iter().enumerate() {
        writeln!(
            file,
            "{},1,{},{platform},false",
            index + 1,
            if index == 0 { String::new() } else { index.to_string() }
        )?;
    }
    let mut file = open("participants")?;
    writeln!(file, "id,team_id,name,identifier,platform")?;
    for id in 1..=people {
        writeln!(file, "{id},1,Person {id},p{id}@example.org,{}", platforms[usize::try_from(id % 5)?])?;
    }
    let mut file = open("tags")?;
    writeln!(file, "id,team_id,name,category")?;
    for id in 1..=10 {
        writeln!(file, "{id},1,tag {id},{}", if id > 7 { "error" } else { "" })?;
    }
    let (mut session_file, mut message_file, mut link_file, mut trace_file) =
        (open("sessions")?, open("messages")?, open("tag_links")?, open("traces")?);
    writeln!(session_file, "id,team_id,experiment_id,participant_id,platform,status,created_at,ended_at")?;
    writeln!(message_file, "id,session_id,type,created_at")?;
    writeln!(link_file, "team_id,tag_id,target_kind,target_id")?;
    writeln!(trace_file, "id,session_id,experiment_id,timestamp,duration_ms")?;
    let start = "2024-06-15T00:00:00Z".parse::<jiff::Timestamp>()?.as_second();
    let span = 730 * 86_400;
    let mut random = 88_172_645_463_325_252_u64;
    let mut below = |limit: u64| {
        // xorshift64: the same files every time.
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % limit
    };
    let stamp = |second: i64| jiff::Timestamp::from_second(second).map(|at| at.to_string());
    let (mut message, mut links, mut traces) = (0_u64, 0_u64, 0_u64);
    for session in 1..=sessions {
        let mut at = start + i64::try_from(u128::from(session) * u128::try_from(span)? / u128::from(sessions))?;
        let (bot, person) = (below(20) + 1, below(people) + 1);
        let created = stamp(at)?;
        for turn in 0..10 {
            message += 1;
            writeln!(
                message_file,
                "{message},{session},{},{}",
                if turn % 2 == 0 { "human" } else { "ai" },
                stamp(at)?
            )?;
            if below(20) == 0 {
                links += 1;
                writeln!(link_file, "1,{},message,{message}", below(10) + 1)?;
            }
            if turn % 2 == 1 && session % 10 == 0 {
                traces += 1;
                writeln!(trace_file, "{traces},{session},{bot},{},{}", stamp(at)?, 500 + below(5000))?;
            }
            at += i64::try_from(10 + below(120))?;
        }
        let platform = platforms[usize::try_from(person % 5)?];
        let (status, ended) = if below(3) > 0 { ("complete", stamp(at)?) } else { ("active", String::new()) };
        writeln!(session_file, "{session},1,{bot},{person},{platform},{status},{created},{ended}")?;
    }
    for file in [&mut session_file, &mut message_file, &mut link_file, &mut trace_file] {
        file.flush()?;
    }
    Ok(1 + 20 + 5 + people + 10 + sessions + message + links + traces)
}
