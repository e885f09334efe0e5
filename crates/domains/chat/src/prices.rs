//! What tokens cost: rules valid from one instant to another, applied once, when a record comes in (spec §4.11).

use hashbrown::HashMap;
use tallykeep_control::chat::PriceRule;

use crate::{instant::Micros, rows::UsageRow, words::ServiceKind};

/// The rules of one team, by what they price.
#[derive(Debug, Default)]
pub struct Prices {
    rules: HashMap<(String, String, ServiceKind), Vec<Rule>>,
}

#[derive(Debug)]
struct Rule {
    from: Micros,
    /// `Micros::MAX`: until further notice.
    until: Micros,
    per_thousand: i64,
}

impl Prices {
    /// Rules as the control database keeps them; one for a kind of token that is none is left out.
    pub fn of(rules: Vec<PriceRule>) -> Self {
        let mut prices = Self::default();
        for rule in rules {
            let Ok(kind) = rule.service_kind.parse() else { continue };
            prices.rules.entry((rule.provider, rule.model, kind)).or_default().push(Rule {
                from: rule.valid_from.as_microsecond(),
                until: rule.valid_to.map_or(Micros::MAX, |to| to.as_microsecond()),
                per_thousand: rule.per_thousand,
            });
        }
        prices
    }

    /// Cost in 1/100,000,000, rounded half up: quantity / 1000 × the price in force at `at`. `None`: no rule, or a cost beyond reckoning.
    pub fn cost(&self, provider: &str, model: &str, kind: ServiceKind, quantity: i64, at: Micros) -> Option<i64> {
        let rules = self.rules.get(&(provider.to_owned(), model.to_owned(), kind))?;
        let rule = rules.iter().find(|rule| rule.from <= at && at < rule.until)?;
        let thousandfold = i128::from(quantity) * i128::from(rule.per_thousand);
        i64::try_from((thousandfold + 500).div_euclid(1_000)).ok()
    }

    /// Gives a record the cost its quantity has at its instant. Without quantity or rule it is unpriced and costs nothing so far.
    pub fn price(&self, row: &mut UsageRow) {
        let cost =
            row.quantity.and_then(|quantity| self.cost(&row.provider, &row.model, row.service, quantity, row.at));
        row.priced = cost.is_some();
        row.cost = cost.unwrap_or(0);
    }
}

/// An amount of money with up to 8 decimals, in 1/100,000,000; `None` when it is none.
pub fn amount(text: &str) -> Option<i64> {
    crate::interchange::money("amount", text).ok()
}

/// The same for people: at least 2 decimals, no more than it has.
pub fn amount_text(units: i64) -> String {
    let text = format!("{}.{:08}", units / 100_000_000, units.unsigned_abs() % 100_000_000);
    let needed = text.trim_end_matches('0').len();
    text[..needed.max(text.len() - 6)].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(per_thousand: i64, from: &str, to: Option<&str>) -> PriceRule {
        PriceRule {
            id: 0,
            provider: "openai".into(),
            model: "m-small".into(),
            service_kind: "llm_input".into(),
            per_thousand,
            valid_from: from.parse().expect("an instant"),
            valid_to: to.map(|to| to.parse().expect("an instant")),
        }
    }

    #[test]
    fn amounts_are_read_and_written() {
        for (text, units) in [("0.0025", 250_000), ("12", 1_200_000_000), ("0.00000001", 1)] {
            assert_eq!(amount(text), Some(units));
        }
        assert_eq!((amount_text(250_000), amount_text(1_200_000_000)), ("0.0025".to_owned(), "12.00".to_owned()));
        assert_eq!((amount_text(1), amount_text(0)), ("0.00000001".to_owned(), "0.00".to_owned()));
        assert_eq!((amount("0.000000001"), amount("x")), (None, None));
    }

    #[test]
    fn the_price_in_force_at_the_instant_counts() {
        let prices = Prices::of(vec![
            rule(25_000_000, "2026-01-01T00:00:00Z", Some("2026-06-01T00:00:00Z")),
            rule(10_000_000, "2026-06-01T00:00:00Z", None),
        ]);
        let cost = |at: &str, quantity| {
            let at = crate::instant::parse_instant(at).expect("an instant");
            prices.cost("openai", "m-small", ServiceKind::LlmInput, quantity, at)
        };
        // 400 tokens at 0.25 per thousand are 0.10.
        assert_eq!(cost("2026-05-31T23:59:59.999999Z", 400), Some(10_000_000));
        assert_eq!(cost("2026-06-01T00:00:00Z", 400), Some(4_000_000));
        assert_eq!(cost("2025-12-31T23:59:59Z", 400), None);
        assert_eq!(prices.cost("openai", "m-large", ServiceKind::LlmInput, 1, i64::MAX - 1), None);
        assert_eq!(prices.cost("openai", "m-small", ServiceKind::LlmOutput, 1, i64::MAX - 1), None);
        // One token at 0.00000149 per thousand rounds down to nothing, at 0.00000500 up to the smallest amount.
        let tiny = Prices::of(vec![rule(149, "2026-01-01T00:00:00Z", None)]);
        assert_eq!(tiny.cost("openai", "m-small", ServiceKind::LlmInput, 1, i64::MAX - 1), Some(0));
        let tiny = Prices::of(vec![rule(500, "2026-01-01T00:00:00Z", None)]);
        assert_eq!(tiny.cost("openai", "m-small", ServiceKind::LlmInput, 1, i64::MAX - 1), Some(1));
        let huge = Prices::of(vec![rule(i64::MAX, "2026-01-01T00:00:00Z", None)]);
        assert_eq!(huge.cost("openai", "m-small", ServiceKind::LlmInput, i64::MAX, i64::MAX - 1), None);
    }
}
