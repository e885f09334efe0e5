//! Compaction: fewer files, the same answers, and later changes still found.

use tallykeep_chat::charts::Chart;

use crate::{
    acme::JUNE,
    store::{ACME, Installation, write_files},
};

#[tokio::test]
async fn compaction_changes_no_answer() {
    let (folder, installation) = (tempfile::tempdir().unwrap(), Installation::new().await);
    write_files(folder.path(), ACME);
    installation.import(folder.path()).await.unwrap();
    // Six more imports: each leaves a file of the month.
    for round in 0..6 {
        let more = tempfile::tempdir().unwrap();
        let text = format!(
            "## messages\nid,session_id,type,created_at,deleted\n{},102,human,2026-06-12T0{round}:00:00Z,\n{},102,ai,2026-06-12T0{round}:01:00Z,\n5,102,human,2026-06-0{}T23:55:00Z,",
            100 + 2 * round,
            101 + 2 * round,
            3 + round % 2
        );
        write_files(more.path(), &text);
        installation.import(more.path()).await.unwrap();
    }
    let answers = async |installation: &Installation| {
        let mut answers = Vec::new();
        for chart in Chart::ALL {
            answers.push(installation.ask("acme", chart, JUNE).await.unwrap());
        }
        answers
    };
    let before = answers(&installation).await;
    let report = installation.chat.compact_tables().await.unwrap();
    assert_eq!(report.errors, Vec::<String>::new());
    assert!(report.files_before >= 7 && report.files_after < report.files_before, "{report:?}");
    let again = installation.chat.compact_tables().await.unwrap();
    assert_eq!((again.files_before, again.files_after), (0, 0));
    // A fresh process reads the joined files and says the same; so does one that read before, and takes a change after.
    let fresh = installation.reopened().await;
    assert_eq!(answers(&fresh).await, before);
    let more = tempfile::tempdir().unwrap();
    write_files(
        more.path(),
        "## messages\nid,session_id,type,created_at,deleted\n100,102,human,2026-06-12T00:00:00Z,true",
    );
    assert_eq!(fresh.import(more.path()).await.unwrap().kinds["messages"].changed, 1);
    let count = |answer: &serde_json::Value| answer["total_messages"].as_i64().unwrap();
    let known = count(&before[0]);
    assert_eq!(count(&installation.ask("acme", Chart::Overview, JUNE).await.unwrap()), known - 1);
    assert_eq!(count(&fresh.ask("acme", Chart::Overview, JUNE).await.unwrap()), known - 1);
}
