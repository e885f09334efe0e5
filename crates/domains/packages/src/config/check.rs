//! What a configuration may not say.

use std::collections::BTreeSet;

use super::{Config, ConfigError};

impl Config {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let fail = |text: String| Err(ConfigError(text));
        let mut seen = BTreeSet::new();
        for product in &self.products {
            if !is_word(&product.id) {
                return fail(format!("[[product]] id `{}`: use letters, digits, `-`, `_` and `.`", product.id));
            }
            if !seen.insert(&product.id) {
                return fail(format!("[[product]] `{}` appears twice", product.id));
            }
        }
        let mut seen = BTreeSet::new();
        for metric in &self.metrics {
            let id = &metric.id;
            let parts: Vec<&str> = id.split(':').collect();
            if parts.len() != 3 || !parts.iter().all(|part| is_word(part)) {
                return fail(format!(
                    "[[metric]] id `{id}`: write <family>:<product>:<facet>, e.g. downloads:lancedb:nodejs"
                ));
            }
            if parts[0] != metric.family.as_str() {
                return fail(format!(
                    "[[metric]] `{id}`: the id says `{}`, family says `{}`",
                    parts[0],
                    metric.family.as_str()
                ));
            }
            if !seen.insert(id) {
                return fail(format!("[[metric]] `{id}` appears twice"));
            }
            if metric.subject.trim().is_empty() || metric.display_name.trim().is_empty() {
                return fail(format!("[[metric]] `{id}`: subject and display_name must not be empty"));
            }
            if metric.source == "github" && metric.subject.split('/').filter(|part| !part.is_empty()).count() != 2 {
                return fail(format!("[[metric]] `{id}`: subject `{}` should be owner/repository", metric.subject));
            }
            if let Some(sdk) = metric.sdk.as_deref().filter(|sdk| !is_word(sdk)) {
                return fail(format!("[[metric]] `{id}`: sdk `{sdk}`: use letters, digits, `-`, `_` and `.`"));
            }
        }
        if self.refresh.lookback_days < 0 {
            return fail(format!("[refresh] lookback_days is {}, which is below 0", self.refresh.lookback_days));
        }
        for day in &self.months.synthetic {
            if day.last_of_month() != *day {
                return fail(format!("[months] synthetic: {day} is not the last day of a month"));
            }
        }
        if self.months.daily_start <= self.months.snapshot_cutoff {
            return fail("[months] daily_start must be after snapshot_cutoff".to_owned());
        }
        Ok(())
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || "-_.@/+".contains(c))
}
