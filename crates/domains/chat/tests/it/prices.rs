//! Prices: a record that comes without a cost gets the one in force at its instant, once.

use serde_json::json;
use tallykeep_chat::{charts::Chart, interchange::price_unpriced};
use tallykeep_control::chat::PriceRule;

use crate::{
    acme::JUNE,
    store::{Installation, write_files},
};

fn rule(per_thousand: i64, from: &str, to: Option<&str>) -> PriceRule {
    PriceRule {
        id: 0,
        provider: "openai".into(),
        model: "m-small".into(),
        service_kind: "llm_input".into(),
        per_thousand,
        valid_from: from.parse().unwrap(),
        valid_to: to.map(|to| to.parse().unwrap()),
    }
}

const RECORDS: &str = "
## teams
id,slug
10,acme
## usage
team_id,source,service_kind,provider_type,model_name,quantity,cost,confidence,experiment_id,session_id,participant_id,trace_id,priced,timestamp
10,chat,llm_input,openai,m-small,1000,,exact,,,,,,2026-06-02T09:00:00Z
10,chat,llm_input,openai,m-small,400,,exact,,,,,,2026-06-10T00:00:00Z
10,chat,llm_output,openai,m-small,400,,exact,,,,,,2026-06-10T09:00:00Z
10,chat,llm_input,openai,m-small,,,unknown,,,,,,2026-06-10T09:00:00Z
10,chat,llm_input,openai,m-small,1000,0.07,exact,,,,,true,2026-06-10T09:00:00Z
";

#[tokio::test]
async fn cost_is_fixed_when_recorded() {
    let (folder, installation) = (tempfile::tempdir().unwrap(), Installation::new().await);
    write_files(folder.path(), RECORDS);
    let team = installation.chat.control().add_team(&"acme".parse().unwrap(), "Acme").await.unwrap();
    let team = installation.chat.control().for_team(team);
    installation.chat.set_cost_tracking(&team, true).await.unwrap();
    team.chat_add_price(&rule(25_000_000, "2026-06-01T00:00:00Z", None)).await.unwrap().unwrap();
    // A new price from the 10th on ends the one before.
    team.chat_add_price(&rule(10_000_000, "2026-06-10T00:00:00Z", None)).await.unwrap().unwrap();
    let ends: Vec<Option<String>> =
        team.chat_prices().await.unwrap().iter().map(|rule| rule.valid_to.map(|to| to.to_string())).collect();
    assert_eq!(ends, [Some("2026-06-10T00:00:00Z".to_owned()), None]);
    // One that would stand beside another is refused, and named.
    let other = team.chat_add_price(&rule(1, "2026-06-05T00:00:00Z", Some("2026-06-07T00:00:00Z"))).await.unwrap();
    assert_eq!(other.unwrap_err().per_thousand, 25_000_000);
    installation.import(folder.path()).await.unwrap();
    let summary = installation.ask("acme", Chart::CostSummary, JUNE).await.unwrap();
    // 1000 × 0.25/1000 + 400 × 0.10/1000 + 0.07; no rule for output; unknown tokens are unknown, not unpriced.
    assert_eq!(
        (summary["total"].clone(), summary["unpriced_count"].clone(), summary["unknown_count"].clone()),
        (json!(0.36), json!(1), json!(1))
    );
    // Other prices later change nothing that is recorded, nor does the same file again.
    for known in team.chat_prices().await.unwrap() {
        assert!(team.chat_remove_price(known.id).await.unwrap());
    }
    team.chat_add_price(&rule(99_000_000, "2026-01-01T00:00:00Z", None)).await.unwrap().unwrap();
    let again = installation.import(folder.path()).await.unwrap();
    assert_eq!((again.kinds["usage"].unchanged, again.kinds["usage"].new), (5, 0));
    assert_eq!(price_unpriced(&team, installation.chat.lake()).await.unwrap().priced, 0);
    assert_eq!(installation.ask("acme", Chart::CostSummary, JUNE).await.unwrap()["total"], json!(0.36));
    // A price for what had none prices just that.
    let output = PriceRule { service_kind: "llm_output".into(), ..rule(50_000_000, "2026-06-01T00:00:00Z", None) };
    team.chat_add_price(&output).await.unwrap().unwrap();
    let report = price_unpriced(&team, installation.chat.lake()).await.unwrap();
    assert_eq!((report.unpriced, report.priced), (2, 1));
    let summary = installation.ask("acme", Chart::CostSummary, JUNE).await.unwrap();
    assert_eq!((summary["total"].clone(), summary["unpriced_count"].clone()), (json!(0.56), json!(0)));
}
