//! Pricing records that came before their price did.

use serde::Serialize;
use tallykeep_control::TeamControl;
use tallykeep_lake::Lake;

use super::{
    ImportError,
    team::{Target, lease, publish},
};
use crate::{prices::Prices, rows::UsageRow, store::current_rows};

/// What pricing did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct PricingReport {
    /// Records that had no price.
    pub unpriced: u64,
    /// ... and have one now.
    pub priced: u64,
}

/// Gives records without a price and without a cost the cost that today's rules give them. A cost once recorded stays.
///
/// Errors: a store that fails, `Busy` while an import writes to the team.
pub async fn price_unpriced(control: &TeamControl, lake: &Lake) -> Result<PricingReport, ImportError> {
    let lease = lease(control, "price usage records").await?;
    let lake = lake.team(&control.team().slug);
    let prices = Prices::of(control.chat_prices().await?);
    let mut report = PricingReport::default();
    let mut rows = Vec::new();
    for mut row in current_rows::<UsageRow>(&lake, i64::MIN, i64::MAX).await? {
        if row.priced || row.cost != 0 {
            continue;
        }
        report.unpriced += 1;
        prices.price(&mut row);
        if row.priced {
            report.priced += 1;
            rows.push(row);
        }
    }
    Target { control: control.clone(), lake }.write(rows, false).await?;
    publish(control).await?;
    lease.release().await?;
    Ok(report)
}
